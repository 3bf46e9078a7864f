// The page of the rejects: <div id="rejects">.

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Client } from './api/client';
import { Inbox } from './reject/Inbox';

const element = document.getElementById('rejects');
if (element) {
  element.removeAttribute('aria-busy');
  createRoot(element).render(<StrictMode><Inbox client={new Client()} /></StrictMode>);
}

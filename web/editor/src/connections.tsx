// The page of the connections: <div id="connections">.

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Client } from './api/client';
import { ConnectionList } from './connection/ConnectionList';
import { refuse } from './shell/refuse';

async function main(element: HTMLElement): Promise<void> {
  const client = new Client();
  try {
    const catalogue = await client.catalogue();
    createRoot(element).render(<StrictMode><ConnectionList client={client} catalogue={catalogue} /></StrictMode>);
  } catch (error) {
    refuse(element, error);
  }
}

const element = document.getElementById('connections');
if (element) void main(element);

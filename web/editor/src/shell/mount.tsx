import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Client } from '../api/client';
import type { Catalogue, Environment } from '../api/types';
import { View } from '../canvas/view';
import { LiveStore } from '../live/store';
import { chosenEnvironment } from '../parameter/environment';
import { rememberedValues } from '../parameter/parameter';
import type { FlowDocument } from '../model/document';
import { Editor } from '../model/editor';
import type { Services } from './editor';
import { Session } from './session';
import { Shell } from './Shell';
import { loadPanels } from './panels';

export interface Start {
  document: FlowDocument;
  catalogue: Catalogue;
  flow: string; // id; empty for a page that only shows
  etag?: string;
  readOnly?: boolean;
  environments?: readonly Environment[];
}

/** mount draws the editor into an element. */
export function mount(element: Element, client: Client, start: Start): Services {
  const editor = new Editor(start.document, start.catalogue, { readOnly: start.readOnly ?? false, etag: start.etag ?? '' });
  const live = new LiveStore();
  const services = { editor, client, live, view: new View(), session: new Session(editor, client, live, start.flow) };
  editor.set({ environments: start.environments ?? [], environment: chosenEnvironment(start.environments ?? []), given: start.flow ? rememberedValues(start.flow, start.document.parameters ?? []) : {} });
  services.session.start();
  void services.session.readPins();
  for (const change of ['online', 'offline']) window.addEventListener(change, () => services.session.reconnect());
  window.addEventListener('beforeunload', (event) => {
    if (!services.session.unsaved) return;
    void services.session.save();
    event.preventDefault();
  });
  createRoot(element).render(<StrictMode><Shell services={services} /></StrictMode>);
  setTimeout(() => void loadPanels().catch(() => undefined), 0); // a failure is told where the panel is
  return services;
}

export { refuse } from './refuse';

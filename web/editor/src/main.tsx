// The page of a flow: <div id="editor" data-flow="…">.

import { Client } from './api/client';
import { documentOf } from './model/document';
import { mount, refuse } from './shell/mount';

async function main(element: HTMLElement): Promise<void> {
  const id = element.dataset['flow'] ?? '';
  const client = new Client();
  try {
    const [flow, catalogue, environments] = await Promise.all([client.flow(id), client.catalogue(), client.environments()]);
    const services = mount(element, client, { document: documentOf(flow.document), catalogue, flow: id, etag: flow.etag, environments: environments.items });
    const { lastRun } = flow;
    if (lastRun && (lastRun.state === 'queued' || lastRun.state === 'running')) services.session.watch(lastRun);
    if (sessionStorage.getItem('run') === id) { // said by our own pages: an address that starts runs could be in anybody's link
      sessionStorage.removeItem('run');
      services.session.ask();
    }
  } catch (error) {
    refuse(element, error);
  }
}

const element = document.getElementById('editor');
if (element) void main(element);

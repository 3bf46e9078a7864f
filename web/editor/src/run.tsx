// The page of a run: <div id="run" data-run="…">. The canvas of its revision, read-only, with its counts.

import { ApiError, Client } from './api/client';
import type { Run } from './api/types';
import { documentOf } from './model/document';
import { mount, refuse } from './shell/mount';

async function main(element: HTMLElement): Promise<void> {
  const client = new Client();
  try {
    const run = await client.run(element.dataset['run'] ?? '');
    const [document, catalogue] = await Promise.all([documentFor(client, run), client.catalogue()]);
    const services = mount(element, client, { document: documentOf(document), catalogue, flow: '', readOnly: true });
    const { editor, session } = services;
    const shown = Object.entries(run.parameters ?? {}).filter(([, value]) => value !== '***');
    editor.set({ environment: run.environment ?? '', given: Object.fromEntries(shown), left: 'outline', dock: { open: true, tab: run.state === 'failed' || !run.rejected ? 'log' : 'rejects' } });
    const failed = run.nodes?.find((node) => node.state === 'failed');
    if (failed) editor.focusNode(failed.node);
    session.watch(run);
  } catch (error) {
    refuse(element, error);
  }
}

async function documentFor(client: Client, run: Run): Promise<unknown> {
  if (!run.flow || !run.revision) throw new ApiError(0, 'run.document', 'this run belongs to a flow file, whose document is not kept');
  return (await client.revision(run.flow, run.revision)).document;
}

const element = document.getElementById('run');
if (element) void main(element);

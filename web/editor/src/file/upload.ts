// Files that are dropped on the canvas: each is uploaded, becomes a File Input, and its fields are confirmed.

import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { Client } from '../api/client';
import { LiveStore } from '../live/store';
import { cardHeight, gridStep, View } from '../canvas/view';
import { typeOf, type Position } from '../model/document';
import type { Editor } from '../model/editor';
import { addNode } from '../model/operation';
import { ServicesContext, type Services } from '../shell/editor';
import { Session } from '../shell/session';
import { DropDialog } from './DropDialog';
import { InspectDialog } from './InspectDialog';

/** addFileInput adds a File Input that reads a path. It answers the node's id. */
export function addFileInput(editor: Editor, path: string, at: Position): string {
  const type = typeOf(editor.state.catalogue, 'file.input');
  if (!type) throw new Error('this Spark has no File Input');
  const name = path.split('/').pop()!.replace(/(\.[^.]+?)?(\.gz)?$/i, '');
  const id = addNode(editor, type, { at, config: { path }, ...(name ? { name } : {}) });
  if (id === null) throw new Error('the flow cannot be changed');
  return id;
}

/** dropFiles uploads files with progress, adds a node for each and asks to confirm its fields: one undo step. It is done when all dialogs are closed. */
export async function dropFiles(editor: Editor, files: readonly File[], at: Position): Promise<void> {
  if (files.length === 0 || editor.state.readOnly) return;
  const client = new Client();
  const paths = await ask<string[]>(editor, client, (answer) => createElement(DropDialog, { client, files, onSent: answer, onClose: () => answer([]) }));
  const label = paths.length === 1 ? `Add ${paths[0]}` : `Add ${paths.length} files`;
  await editor.together(label, async () => {
    const nodes = paths.map((path, i) => ({ path, id: addFileInput(editor, path, { x: at.x, y: at.y + i * (cardHeight + 2 * gridStep) }) }));
    for (const { path, id } of nodes) {
      await ask<void>(editor, client, (answer) => createElement(InspectDialog, { node: id, path, onClose: () => answer() }));
    }
    const last = nodes.at(-1);
    if (last) editor.openNode(last.id);
  });
}

/** ask shows a dialog of its own inside the editor until it answers. */
function ask<T>(editor: Editor, client: Client, dialog: (answer: (value: T) => void) => ReturnType<typeof createElement>): Promise<T> {
  const host = document.createElement('div');
  (document.querySelector('.shell') ?? document.body).append(host);
  const root = createRoot(host);
  return new Promise<T>((resolve) => {
    const answer = (value: T) => {
      resolve(value);
      queueMicrotask(() => {
        root.unmount();
        host.remove();
      });
    };
    root.render(createElement(ServicesContext, { value: servicesOf(editor, client) }, dialog(answer)));
  });
}

/** servicesOf is what the dialogs reach; they start and watch no runs. */
function servicesOf(editor: Editor, client: Client): Services {
  const live = new LiveStore();
  return { editor, client, live, session: new Session(editor, client, live, ''), view: new View() };
}

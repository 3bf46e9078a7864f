// Copy and paste go through the DOM's own events: they work over plain HTTP and between browsers.

import { clipOf, paste, readClip, removeSelected } from '../model/operation';
import type { Services } from '../shell/editor';

/** writes is what copying does with the clipboard event's data. */
export interface ClipboardData {
  setData(type: string, text: string): void;
  getData(type: string): string;
}

export function copyNodes(s: Services, data: ClipboardData): boolean {
  const { document, selection } = s.editor.state;
  if (selection.size === 0) return false;
  data.setData('text/plain', JSON.stringify(clipOf(document, selection), null, 2));
  s.editor.announce(selection.size === 1 ? '1 node copied.' : `${selection.size} nodes copied.`);
  return true;
}

export function cutNodes(s: Services, data: ClipboardData): boolean {
  if (s.editor.state.readOnly || !copyNodes(s, data)) return false;
  removeSelected(s.editor);
  return true;
}

export function pasteNodes(s: Services, data: ClipboardData): boolean {
  if (s.editor.state.readOnly) return false;
  const clip = readClip(data.getData('text/plain'));
  if (!clip) return false;
  paste(s.editor, clip, 'Paste', s.view.pointer());
  return true;
}

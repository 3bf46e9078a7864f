// An action is something that people do: by a key, a button or a menu, always the same.

import type { Services } from '../shell/editor';

export interface Action {
  id: string;
  name: string;
  keys: readonly string[]; // such as "Ctrl+Z", "Shift+Enter", "a"
  everywhere?: boolean; // also while the focus is outside the canvas, but not in a text field unless it has Ctrl
  edits?: boolean; // needs a flow that may be changed
  runs?: boolean; // needs a flow that can be run, which the page of a run has not
  enabled?: (s: Services) => boolean;
  perform: (s: Services) => void;
}

/** only is the single selected node. */
export function only(s: Services): string | null {
  const { selection } = s.editor.state;
  return selection.size === 1 ? [...selection][0]! : null;
}

export const hasSelection = (s: Services) => s.editor.state.selection.size > 0;
export const hasAny = (s: Services) => hasSelection(s) || s.editor.state.edges.size > 0;
export const hasOne = (s: Services) => only(s) !== null;
export const hasNodes = (s: Services) => s.editor.state.document.nodes.length > 0;

/** offered says whether an action has a place here at all, possible now or not. */
export function offered(action: Action, s: Services): boolean {
  return !(action.edits && s.editor.state.readOnly) && !(action.runs && s.session.flow === '');
}

export function can(action: Action, s: Services): boolean {
  return offered(action, s) && (action.enabled?.(s) ?? true);
}

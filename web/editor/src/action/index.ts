// All actions. The help dialog lists them, the keyboard and the buttons perform them.

import { can, offered, type Action } from './action';
import { add } from './add';
import { back } from './back';
import { connect } from './connect';
import { remove } from './delete';
import { removeReconnect } from './delete-reconnect';
import { disable } from './disable';
import { duplicate } from './duplicate';
import { fit } from './fit';
import { flowSettings } from './flow-settings';
import { help } from './help';
import { inbox } from './inbox';
import { insert } from './insert';
import { menu } from './menu';
import { nudges } from './nudge';
import { open } from './open';
import { pin } from './pin';
import { preview } from './preview';
import { publish } from './publish';
import { lastProblem, nextProblem } from './problem';
import { redo } from './redo';
import { rename } from './rename';
import { run, runSample, runWith } from './run';
import { runUntil } from './run-until';
import { selectAll } from './select-all';
import { stop } from './stop';
import { tidy } from './tidy';
import { undo } from './undo';
import { walks } from './walk';
import { fitSelection, zoomActual, zoomIn, zoomOut } from './zoom';
import type { Services } from '../shell/editor';

export const actions: readonly Action[] = [
  run, runWith, runSample, stop, publish, runUntil, preview, pin, inbox, flowSettings, add, connect, insert, open, menu, back, rename, disable, duplicate, remove, removeReconnect, undo, redo,
  selectAll, tidy, fit, fitSelection, zoomActual, zoomIn, zoomOut, ...walks, ...nudges, nextProblem, lastProblem, help,
];

interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** keyOf writes a key press as actions do. Shift counts only for keys that mean the same without it. */
export function keyOf(event: Key): string {
  const named = event.key.length > 1 || /[a-z]/i.test(event.key);
  const key = event.key.length === 1 && (event.ctrlKey || event.metaKey || event.shiftKey) ? event.key.toUpperCase() : event.key;
  return [event.ctrlKey || event.metaKey ? 'Ctrl+' : '', event.altKey ? 'Alt+' : '', event.shiftKey && named ? 'Shift+' : '', key].join('');
}

/**
 * Where a key is pressed: on the canvas; in a text with an undo of its own, such as a search; in a setting, which shows
 * what the document says, so that its undo is the flow's; or anywhere else on the page.
 */
export type Where = 'canvas' | 'text' | 'setting' | 'page';

const inTexts: Record<'text' | 'setting', readonly string[]> = { text: ['run', 'run-sample'], setting: ['run', 'run-sample', 'undo', 'redo'] };

/** actionFor finds what a key does where it is pressed. */
export function actionFor(event: Key, where: Where): Action | undefined {
  const key = keyOf(event);
  const found = actions.find((action) => action.keys.includes(key));
  if (!found || (where !== 'canvas' && !found.everywhere)) return undefined;
  if ((where === 'text' || where === 'setting') && !inTexts[where].includes(found.id)) return undefined; // Esc is the field's own
  return found;
}

/** perform does an action if it can be done now. */
export function perform(action: Action, s: Services): boolean {
  if (!can(action, s)) return false;
  action.perform(s);
  return true;
}

export { can, offered, type Action };
export { add, back, connect, disable, duplicate, fit, flowSettings, help, inbox, insert, menu, open, pin, preview, publish, redo, remove, removeReconnect, rename, run, runUntil, selectAll, stop, tidy, undo, zoomActual, zoomIn, zoomOut };

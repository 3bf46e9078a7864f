import { toggleDisabled } from '../model/operation';
import { hasSelection, type Action } from './action';

export const disable: Action = { id: 'disable', name: 'Disable or enable', keys: ['d'], edits: true, enabled: hasSelection, perform: (s) => toggleDisabled(s.editor, s.editor.state.selection) };

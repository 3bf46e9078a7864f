import { removeSelected } from '../model/operation';
import { hasSelection, type Action } from './action';

export const removeReconnect: Action = { id: 'delete-reconnect', name: 'Delete and connect the neighbours', keys: ['Ctrl+Delete', 'Ctrl+Backspace'], edits: true, enabled: hasSelection, perform: (s) => removeSelected(s.editor, true) };

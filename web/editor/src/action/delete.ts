import { removeSelected } from '../model/operation';
import { hasAny, type Action } from './action';

export const remove: Action = { id: 'delete', name: 'Delete', keys: ['Delete', 'Backspace'], edits: true, enabled: hasAny, perform: (s) => removeSelected(s.editor) };

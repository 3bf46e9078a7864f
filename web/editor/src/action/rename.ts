import { hasOne, only, type Action } from './action';

export const rename: Action = { id: 'rename', name: 'Rename', keys: ['F2'], edits: true, enabled: hasOne, perform: (s) => s.editor.set({ renaming: only(s) }) };

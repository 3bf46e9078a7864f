import type { Action } from './action';

export const help: Action = { id: 'help', name: 'Keyboard help', keys: ['?'], perform: (s) => s.editor.set({ help: true }) };

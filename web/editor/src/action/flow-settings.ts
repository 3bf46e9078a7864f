import type { Action } from './action';

export const flowSettings: Action = { id: 'flow-settings', name: 'Settings of the flow', keys: [','], perform: (s) => s.editor.set({ flowSettings: true }) };

import type { Action } from './action';

export const redo: Action = { id: 'redo', name: 'Redo', keys: ['Ctrl+Shift+Z', 'Ctrl+Y'], everywhere: true, edits: true, enabled: (s) => s.editor.state.canRedo !== null, perform: (s) => void s.editor.redo() };

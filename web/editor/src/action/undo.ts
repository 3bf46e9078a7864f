import type { Action } from './action';

export const undo: Action = { id: 'undo', name: 'Undo', keys: ['Ctrl+Z'], everywhere: true, edits: true, enabled: (s) => s.editor.state.canUndo !== null, perform: (s) => void s.editor.undo() };

import type { Action } from './action';

export const selectAll: Action = { id: 'select-all', name: 'Select all', keys: ['Ctrl+A'], perform: (s) => s.editor.select(s.editor.state.document.nodes.map((node) => node.id)) };

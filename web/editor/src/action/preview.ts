import { hasOne, type Action } from './action';

export const preview: Action = { id: 'preview', name: 'Preview', keys: ['p'], enabled: hasOne, perform: (s) => s.editor.openDock('preview') };

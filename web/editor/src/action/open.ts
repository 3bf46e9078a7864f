import { hasOne, only, type Action } from './action';

export const open: Action = { id: 'open', name: 'Configure', keys: ['Enter'], enabled: hasOne, perform: (s) => s.editor.openNode(only(s)!) };

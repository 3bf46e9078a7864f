import { hasNodes, type Action } from './action';

export const fit: Action = { id: 'fit', name: 'Show the whole flow', keys: ['1'], enabled: hasNodes, perform: (s) => s.view.fit() };

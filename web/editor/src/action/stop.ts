import type { Action } from './action';

export const stop: Action = { id: 'stop', name: 'Stop the run', keys: [], everywhere: true, enabled: (s) => s.session.running, perform: (s) => void s.session.stop() };

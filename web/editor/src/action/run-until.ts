import { hasOne, only, type Action } from './action';

export const runUntil: Action = {
  id: 'run-until', name: 'Run to here', keys: ['Shift+Enter'], runs: true,
  enabled: (s) => hasOne(s) && !s.session.running && !s.editor.state.sampleOnly,
  perform: (s) => s.session.ask(only(s)!),
};

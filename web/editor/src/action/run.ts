import type { Action } from './action';

export const run: Action = {
  id: 'run', name: 'Run the flow', keys: ['Ctrl+Enter'], everywhere: true, runs: true,
  enabled: (s) => !s.session.running && s.editor.state.document.nodes.length > 0,
  perform: (s) => s.session.ask(),
};

export const runSample: Action = {
  id: 'run-sample', name: 'Run on the sample only: nothing is written', keys: ['Ctrl+Alt+Enter'], everywhere: true, runs: true,
  enabled: (s) => !s.session.running && s.editor.state.document.nodes.length > 0,
  perform: (s) => s.session.ask(undefined, false, true),
};

export const runWith: Action = {
  id: 'run-with', name: 'Run with values', keys: ['Ctrl+Shift+Enter'], everywhere: true, runs: true,
  enabled: (s) => !s.session.running && (s.editor.state.document.parameters ?? []).length > 0,
  perform: (s) => s.session.ask(undefined, true),
};

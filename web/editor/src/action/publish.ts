import type { Action } from './action';

export const publish: Action = {
  id: 'publish', name: 'Publish', keys: [], runs: true,
  enabled: (s) => s.editor.state.document.nodes.length > 0,
  perform: (s) => void s.session.publish(),
};

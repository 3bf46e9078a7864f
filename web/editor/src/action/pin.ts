import { portsOf, nodeOf } from '../model/document';
import { hasOne, only, type Action } from './action';

/** pin keeps what the node puts out for previews, or lets go of it. */
export const pin: Action = {
  id: 'pin', name: 'Pin or unpin the sample', keys: ['Shift+P'], edits: true, runs: true,
  enabled: (s) => {
    const node = hasOne(s) ? nodeOf(s.editor.state.document, only(s)!) : undefined;
    return node !== undefined && portsOf(s.editor.state.document, node, s.editor.state.catalogue).outputs.some((port) => port.name !== 'rejects');
  },
  perform: (s) => void s.session.togglePin(only(s)!),
};

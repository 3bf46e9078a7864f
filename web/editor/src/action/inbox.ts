import { addressOf } from '../reject/place';
import { nodeOf, typeOf } from '../model/document';
import { hasOne, only, type Action } from './action';

/** inbox leaves the editor for the open rejects of the node. What is not saved yet is saved on the way. */
export const inbox: Action = {
  id: 'inbox', name: 'Open its rejects', keys: [],
  enabled: (s) => hasOne(s) && refuses(s.editor.state, only(s)!),
  perform: (s) => {
    const flow = s.session.flow || s.editor.state.run?.flow;
    if (flow) location.assign(addressOf({ flow, node: only(s)! }));
  },
};

function refuses({ document, catalogue }: Parameters<Action['perform']>[0]['editor']['state'], id: string): boolean {
  const node = nodeOf(document, id);
  return node !== undefined && typeOf(catalogue, node.type)?.rejects === true;
}

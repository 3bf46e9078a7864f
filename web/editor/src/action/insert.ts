import { edgeKey } from '../model/document';
import { positions } from '../canvas/tidy';
import { cardWidth } from '../canvas/view';
import { only, type Action } from './action';
import type { Services } from '../shell/editor';

/** insert works on the selected edge, or on the one that leaves the selected node. */
function edgeAt(s: Services) {
  const { edges, document } = s.editor.state;
  const key = edges.size === 1 ? [...edges][0] : undefined;
  return document.edges.find((edge) => (key !== undefined ? edgeKey(edge) === key : edge.from.node === only(s)));
}

export const insert: Action = {
  id: 'insert', name: 'Insert a node on the edge', keys: ['i'], edits: true, enabled: (s) => edgeAt(s) !== undefined,
  perform: (s) => {
    const edge = edgeAt(s)!;
    const at = positions(s.editor.state.document);
    const a = at.get(edge.from.node) ?? { x: 0, y: 0 };
    const b = at.get(edge.to.node) ?? a;
    s.editor.set({ quickAdd: { edge: edgeKey(edge), at: { x: (a.x + cardWidth + b.x) / 2, y: (a.y + b.y) / 2 } } });
  },
};

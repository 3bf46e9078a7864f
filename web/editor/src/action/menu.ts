import { positions } from '../canvas/tidy';
import { cardHeight } from '../canvas/view';
import { hasOne, only, type Action } from './action';

export const menu: Action = {
  id: 'menu', name: 'More actions', keys: ['Shift+F10', 'ContextMenu'], enabled: hasOne,
  perform: (s) => {
    const node = only(s)!;
    const place = positions(s.editor.state.document).get(node)!;
    s.editor.set({ menu: { node, at: s.view.toClient({ x: place.x, y: place.y + cardHeight }) } });
  },
};

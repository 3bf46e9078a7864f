import { quickAddRef } from '../model/operation';
import { positions } from '../canvas/tidy';
import { cardWidth } from '../canvas/view';
import { only, type Action } from './action';

export const add: Action = {
  id: 'add', name: 'Add a node', keys: ['a', '/'], edits: true,
  perform: (s) => {
    const id = only(s);
    const from = id === null ? undefined : quickAddRef(s.editor, id);
    const at = from && positions(s.editor.state.document).get(from.node);
    const where = at ? { x: at.x + cardWidth + 24, y: at.y } : s.view.middle();
    s.editor.set({ quickAdd: from ? { from, at: where } : { at: where } });
  },
};

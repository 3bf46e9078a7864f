import { quickAddRef } from '../model/operation';
import { positions } from '../canvas/tidy';
import { cardWidth } from '../canvas/view';
import { hasOne, only, type Action } from './action';

export const connect: Action = {
  id: 'connect', name: 'Connect to …', keys: ['c'], edits: true, enabled: hasOne,
  perform: (s) => {
    const from = quickAddRef(s.editor, only(s)!);
    const at = from && positions(s.editor.state.document).get(from.node);
    if (from && at) s.editor.set({ quickAdd: { from, at: { x: at.x + cardWidth + 24, y: at.y }, connectOnly: true } });
    else s.editor.announce('Nothing can be connected to this node.');
  },
};

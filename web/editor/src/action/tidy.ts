import { positions, tidy as layout } from '../canvas/tidy';
import { move } from '../model/operation';
import { hasNodes, type Action } from './action';

export const tidy: Action = {
  id: 'tidy', name: 'Tidy up', keys: ['Shift+A'], edits: true, enabled: hasNodes,
  perform: (s) => {
    const before = s.editor.state.document;
    void layout(before, s.editor.state.catalogue).then(
      (places) => {
        const now = s.editor.state.document;
        if (now.nodes !== before.nodes || now.edges !== before.edges) return s.editor.announce('The flow has changed meanwhile; tidy up again.');
        const from = positions(now);
        move(s.editor, places);
        s.view.glide(from);
        s.view.fit();
      },
      () => s.editor.announce('The tidy-up could not be loaded. Reload the page.'),
    );
  },
};

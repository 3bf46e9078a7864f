import type { Action } from './action';

export const back: Action = {
  id: 'back', name: 'Back to the canvas', keys: ['Escape'], everywhere: true,
  perform: (s) => {
    const { state } = s.editor;
    if (state.help) s.editor.set({ help: false });
    else if (state.quickAdd) s.editor.set({ quickAdd: null });
    else if (state.panel) s.editor.closePanel();
    else s.editor.select([]);
    s.view.takeFocus();
  },
};

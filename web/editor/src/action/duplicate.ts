import { clipOf, paste } from '../model/operation';
import { hasSelection, type Action } from './action';

export const duplicate: Action = {
  id: 'duplicate', name: 'Duplicate', keys: ['Ctrl+D'], edits: true, enabled: hasSelection,
  perform: (s) => paste(s.editor, clipOf(s.editor.state.document, s.editor.state.selection), 'Duplicate'),
};

import { gridStep } from '../canvas/view';
import { positions } from '../canvas/tidy';
import { move } from '../model/operation';
import { hasSelection, type Action } from './action';

function nudge(name: string, key: string, x: number, y: number): Action[] {
  return ([['Alt+', 1], ['Alt+Shift+', 4]] as const).map(([mod, steps]) => ({
    id: `nudge-${name}-${steps}`, name: `Move ${name}${steps > 1 ? ' by a large step' : ''}`, keys: [mod + key], edits: true, enabled: hasSelection,
    perform: ({ editor }) => {
      const at = positions(editor.state.document);
      const by = gridStep * steps;
      const moved = new Map([...editor.state.selection].map((id) => [id, { x: at.get(id)!.x + x * by, y: at.get(id)!.y + y * by }] as const));
      move(editor, moved, 'nudge');
    },
  }));
}

export const nudges = [...nudge('right', 'ArrowRight', 1, 0), ...nudge('left', 'ArrowLeft', -1, 0), ...nudge('up', 'ArrowUp', 0, -1), ...nudge('down', 'ArrowDown', 0, 1)];

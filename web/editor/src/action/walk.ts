import { positions } from '../canvas/tidy';
import type { Position } from '../model/document';
import type { Services } from '../shell/editor';
import type { Action } from './action';

type Way = 'left' | 'right' | 'up' | 'down';

/** stepFrom finds the node that an arrow key leads to: along edges to the sides, to the nearest sibling up and down. */
export function stepFrom(s: Pick<Services, 'editor'>, way: Way): string | undefined {
  const { document, focus } = s.editor.state;
  const at = positions(document);
  const here = focus === null ? undefined : at.get(focus);
  if (focus === null || !here) return document.nodes.reduce<string | undefined>((best, { id }) => (best === undefined || before(at.get(id)!, at.get(best)!) ? id : best), undefined);
  const along = document.edges.flatMap(({ from, to }) =>
    way === 'right' && from.node === focus ? [to.node] : way === 'left' && to.node === focus ? [from.node] : []);
  const candidates = (along.length > 0 ? along : document.nodes.map((node) => node.id).filter((id) => id !== focus)).filter((id) => at.has(id));
  const ranked = candidates.map((id) => ({ id, far: distance(here, at.get(id)!, way, along.length > 0) })).filter(({ far }) => far < Infinity);
  return ranked.sort((a, b) => a.far - b.far)[0]?.id;
}

function before(a: Position, b: Position): boolean {
  return a.x < b.x || (a.x === b.x && a.y < b.y);
}

function distance(a: Position, b: Position, way: Way, connected: boolean): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  if (connected) return Math.abs(dy);
  const [main, side] = way === 'left' ? [-dx, dy] : way === 'right' ? [dx, dy] : way === 'up' ? [-dy, dx] : [dy, dx];
  return main > 0 ? main + 2 * Math.abs(side) : Infinity;
}

function walk(way: Way, key: string, name: string): Action {
  return {
    id: `walk-${way}`, name, keys: [key],
    perform: (s) => {
      const next = stepFrom(s, way);
      if (next === undefined) return;
      s.editor.focusNode(next);
      s.view.reveal(next);
    },
  };
}

export const walks = [
  walk('right', 'ArrowRight', 'Go to the next node'),
  walk('left', 'ArrowLeft', 'Go to the node before'),
  walk('up', 'ArrowUp', 'Go to the node above'),
  walk('down', 'ArrowDown', 'Go to the node below'),
];

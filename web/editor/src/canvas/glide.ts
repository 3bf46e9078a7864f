// Nodes that move by themselves, such as at a tidy-up, glide to their places. The document already holds the new places;
// what is drawn meanwhile lies between.

import type { Position } from '../model/document';

export const glideTime = 240; // ms
const most = 400; // nodes: more of them jump, since a frame would take too long

/** movers lists the nodes that another layout moves, with where each of them begins. */
export function movers(from: ReadonlyMap<string, Position>, to: ReadonlyMap<string, Position>): Map<string, Position> {
  const moved = [...from].filter(([id, a]) => {
    const b = to.get(id);
    return b !== undefined && (a.x !== b.x || a.y !== b.y);
  });
  return moved.length > most ? new Map() : new Map(moved);
}

/** between is where nodes are at a part of the time, from 0 to 1: fast at first, then slower. */
export function between(from: ReadonlyMap<string, Position>, to: ReadonlyMap<string, Position>, time: number): Map<string, Position> {
  const share = 1 - (1 - Math.min(1, Math.max(0, time))) ** 3;
  return new Map([...from].flatMap(([id, a]) => {
    const b = to.get(id);
    return b ? [[id, { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share }] as const] : [];
  }));
}

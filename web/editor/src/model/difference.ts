// What is different between two versions of a flow, in words.

import { edgeKey, titleOf, type FlowDocument, type FlowEdge, type FlowNode } from './document';

export interface Difference {
  added: string[]; // in theirs and not in mine
  removed: string[]; // in mine and not in theirs
  changed: string[];
}

/** difference tells what the other version has that this one has not. */
export function difference(mine: FlowDocument, theirs: FlowDocument): Difference {
  const result: Difference = { added: [], removed: [], changed: [] };
  compare(mine.nodes, theirs.nodes, (node) => node.id, (node) => `node ${titleOf(node)}`, result);
  compare<FlowEdge>(mine.edges, theirs.edges, edgeKey, (edge) => `edge ${name(mine, theirs, edge.from.node)} → ${name(mine, theirs, edge.to.node)}`, result);
  if (mine.name !== theirs.name) result.changed.push(`name: ${theirs.name}`);
  for (const part of ['description', 'parameters', 'settings'] as const) if (!same(mine[part], theirs[part])) result.changed.push(part);
  const moved = Object.entries(theirs.layout?.nodes ?? {}).filter(([id, at]) => !same(mine.layout?.nodes?.[id], at) && mine.nodes.some((n) => n.id === id)).length;
  if (moved > 0) result.changed.push(moved === 1 ? 'place of 1 node' : `places of ${moved} nodes`);
  return result;
}

function compare<T>(mine: readonly T[], theirs: readonly T[], key: (item: T) => string, word: (item: T) => string, result: Difference): void {
  const before = new Map(mine.map((item) => [key(item), item]));
  for (const item of theirs) {
    const old = before.get(key(item));
    before.delete(key(item));
    if (old === undefined) result.added.push(word(item));
    else if (!same(old, item)) result.changed.push(word(item));
  }
  for (const item of before.values()) result.removed.push(word(item));
}

function name(mine: FlowDocument, theirs: FlowDocument, id: string): string {
  const found = (node: FlowNode) => node.id === id;
  const node = theirs.nodes.find(found) ?? mine.nodes.find(found);
  return node ? titleOf(node) : id;
}

/** same compares JSON values; the order of members does not matter. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const x = a as Record<string, unknown>;
  const y = b as Record<string, unknown>;
  const keys = Object.keys(x).filter((key) => x[key] !== undefined);
  return keys.length === Object.keys(y).filter((key) => y[key] !== undefined).length && keys.every((key) => same(x[key], y[key]));
}

// Where nodes stand that nobody has placed, and the tidy-up of all of them.

import { portsOf, positionOf, type FlowDocument, type Position } from '../model/document';
import type { Catalogue } from '../api/types';
import { cardHeight, cardWidth, gridStep } from './view';

const gapX = 84;
const gapY = 52;

/** positions are where all nodes stand; those without a place are laid out in layers below the others. */
export function positions(doc: FlowDocument): Map<string, Position> {
  const result = new Map<string, Position>();
  const loose: string[] = [];
  let bottom = 0;
  for (const node of doc.nodes) {
    const at = positionOf(doc, node.id);
    if (at) {
      result.set(node.id, at);
      bottom = Math.max(bottom, at.y + cardHeight + gapY);
    } else loose.push(node.id);
  }
  if (loose.length === 0) return result;
  const layers = layersOf(doc);
  const rows = new Map<number, number>();
  const top = result.size === 0 ? 0 : bottom;
  for (const id of loose) {
    const layer = layers.get(id) ?? 0;
    const row = rows.get(layer) ?? 0;
    rows.set(layer, row + 1);
    result.set(id, { x: snap(layer * (cardWidth + gapX)), y: snap(top + row * (cardHeight + gapY)) });
  }
  return result;
}

/** layersOf numbers nodes by the longest way from a source. Nodes of a circle get the layer they were met in. */
export function layersOf(doc: FlowDocument): Map<string, number> {
  const into = new Map<string, number>(doc.nodes.map((node) => [node.id, 0]));
  const next = new Map<string, string[]>();
  for (const { from, to } of doc.edges) {
    if (!into.has(from.node) || !into.has(to.node)) continue;
    into.set(to.node, into.get(to.node)! + 1);
    next.set(from.node, [...(next.get(from.node) ?? []), to.node]);
  }
  const layer = new Map<string, number>(doc.nodes.map((node) => [node.id, 0]));
  const open = doc.nodes.filter((node) => into.get(node.id) === 0).map((node) => node.id);
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    for (const to of next.get(id) ?? []) {
      layer.set(to, Math.max(layer.get(to)!, layer.get(id)! + 1));
      into.set(to, into.get(to)! - 1);
      if (into.get(to) === 0) open.push(to);
    }
  }
  return layer;
}

/** tidy computes a left-to-right layout; dagre is loaded when it is first needed. */
export async function tidy(doc: FlowDocument, catalogue: Catalogue): Promise<Map<string, Position>> {
  const { Graph, layout } = await import('@dagrejs/dagre');
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'LR', nodesep: gapY, ranksep: gapX, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of doc.nodes) graph.setNode(node.id, { width: cardWidth, height: cardHeight });
  const order = (node: string, port: string) => {
    const found = doc.nodes.find((n) => n.id === node);
    return found ? portsOf(doc, found, catalogue).inputs.findIndex((p) => p.name === port) : 0;
  };
  const edges = [...doc.edges].sort((a, b) => order(a.to.node, a.to.port) - order(b.to.node, b.to.port));
  for (const { from, to } of edges) graph.setEdge(from.node, to.node, {}, `${from.port}>${to.port}`);
  layout(graph);
  return new Map(doc.nodes.map(({ id }) => {
    const { x = 0, y = 0 } = graph.node(id) as { x?: number; y?: number };
    return [id, { x: snap(x - cardWidth / 2), y: snap(y - cardHeight / 2) }];
  }));
}

export function snap(value: number): number {
  return Math.round(value / gridStep) * gridStep || 0;
}

/** freePlace moves a wish down until no card stands there. */
export function freePlace(taken: Iterable<Position>, wish: Position): Position {
  const all = [...taken];
  const at = { x: snap(wish.x), y: snap(wish.y) };
  const covers = (p: Position) => Math.abs(p.x - at.x) < cardWidth + gridStep && Math.abs(p.y - at.y) < cardHeight + gridStep;
  while (all.some(covers)) at.y += cardHeight + gridStep * 2 + 4 - ((cardHeight + gridStep * 2 + 4) % gridStep);
  return at;
}

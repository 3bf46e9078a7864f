// Where ports and edges are, from the document alone: cards have a fixed size.

import type { Catalogue, Port } from '../api/types';
import { edgeKey, portsOf, rejectsPort, type FlowDocument, type FlowNode, type Position } from '../model/document';
import type { Side } from '../model/editor';
import { positions } from './tidy';
import { cardHeight, cardWidth } from './view';

export interface PortSpot {
  port: Port;
  side: Side;
  x: number; // on the card's border
  y: number;
  bottom: boolean; // the rejects port leaves downwards
}

/** spotsOf places the ports of a node on its card. */
export function spotsOf(doc: FlowDocument, node: FlowNode, catalogue: Catalogue): PortSpot[] {
  const { inputs, outputs } = portsOf(doc, node, catalogue);
  const right = outputs.filter((port) => port.name !== rejectsPort);
  const spread = (ports: readonly Port[], side: Side, x: number): PortSpot[] =>
    ports.map((port, i) => ({ port, side, x, y: Math.round((cardHeight * (i + 1)) / (ports.length + 1)), bottom: false }));
  const rejects = outputs.find((port) => port.name === rejectsPort);
  const below: PortSpot[] = rejects ? [{ port: rejects, side: 'out', x: cardWidth - 28, y: cardHeight, bottom: true }] : [];
  return [...spread(inputs, 'in', 0), ...spread(right, 'out', cardWidth), ...below];
}

const inset = 24;

/** panTo is how far the canvas has to move, and no further, so that a box is in sight with some room around it. */
export function panTo(box: Position & Size, seen: Size): Position {
  const along = (start: number, length: number, room: number) => {
    const margin = Math.max(0, Math.min(inset, (room - length) / 2));
    if (start < margin) return margin - start;
    return start + length > room - margin ? Math.max(margin - start, room - margin - start - length) : 0;
  };
  return { x: along(box.x, box.width, seen.width), y: along(box.y, box.height, seen.height) };
}

interface Size {
  width: number;
  height: number;
}

/** edgeNear finds the edge that passes a point within a distance. */
export function edgeNear(doc: FlowDocument, catalogue: Catalogue, at: Position, within: number): string | undefined {
  const places = positions(doc);
  const nodes = new Map(doc.nodes.map((node) => [node.id, node]));
  let best: string | undefined;
  let nearest = within;
  for (const edge of doc.edges) {
    const from = spot(nodes.get(edge.from.node), 'out', edge.from.port);
    const to = spot(nodes.get(edge.to.node), 'in', edge.to.port);
    if (!from || !to) continue;
    for (const p of curve(from, to)) {
      const far = Math.hypot(p.x - at.x, p.y - at.y);
      if (far < nearest) [nearest, best] = [far, edgeKey(edge)];
    }
  }
  return best;

  function spot(node: FlowNode | undefined, side: Side, port: string) {
    const place = node && places.get(node.id);
    const found = node && spotsOf(doc, node, catalogue).find((s) => s.side === side && s.port.name === port);
    return place && found && { x: place.x + found.x, y: place.y + found.y, bottom: found.bottom };
  }
}

function curve(a: Position & { bottom: boolean }, b: Position): Position[] {
  const reach = Math.max(24, Math.abs(b.x - a.x) / 2);
  const c1 = a.bottom ? { x: a.x, y: a.y + reach } : { x: a.x + reach, y: a.y };
  const c2 = { x: b.x - reach, y: b.y };
  return Array.from({ length: 33 }, (_, i) => {
    const t = i / 32;
    const u = 1 - t;
    const mix = (p: number, q: number, r: number, s: number) => u * u * u * p + 3 * u * u * t * q + 3 * u * t * t * r + t * t * t * s;
    return { x: mix(a.x, c1.x, c2.x, b.x), y: mix(a.y, c1.y, c2.y, b.y) };
  });
}

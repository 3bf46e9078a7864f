// From the document to what React Flow draws. Objects stay the same while their node does, so that nothing else renders.

import { Position as Side, type Edge, type Node, type NodeHandle } from '@xyflow/react';
import type { Catalogue } from '../api/types';
import { edgeKey, type FlowDocument, type FlowEdge, type FlowNode, type Position } from '../model/document';
import { spotsOf } from './geometry';
import { positions } from './tidy';
import { cardHeight, cardWidth } from './view';

const handle = 12;

export class Graph {
  private nodes = new Map<string, { node: FlowNode; edges: unknown; drawn: Node }>();
  private edges = new Map<FlowEdge, Edge>();
  private placesOf: { doc: FlowDocument; places: Map<string, Position> } | null = null;

  nodesOf(doc: FlowDocument, catalogue: Catalogue, selection: ReadonlySet<string>, moving: ReadonlyMap<string, Position>, readOnly: boolean): Node[] {
    if (this.placesOf?.doc !== doc) this.placesOf = { doc, places: positions(doc) };
    const { places } = this.placesOf;
    const next = new Map<string, { node: FlowNode; edges: unknown; drawn: Node }>();
    const drawn = doc.nodes.map((node) => {
      const at = moving.get(node.id) ?? places.get(node.id)!;
      const selected = selection.has(node.id);
      const last = this.nodes.get(node.id);
      const entry = last?.node === node && last.edges === doc.edges && last.drawn.selected === selected && last.drawn.position.x === at.x && last.drawn.position.y === at.y
        ? last
        : { node, edges: doc.edges, drawn: this.draw(doc, catalogue, node, at, selected, readOnly) };
      next.set(node.id, entry);
      return entry.drawn;
    });
    this.nodes = next;
    return drawn;
  }

  private draw(doc: FlowDocument, catalogue: Catalogue, node: FlowNode, at: Position, selected: boolean, readOnly: boolean): Node {
    const handles = spotsOf(doc, node, catalogue).map((spot): NodeHandle => ({
      id: spot.port.name,
      type: spot.side === 'out' ? 'source' : 'target',
      position: spot.bottom ? Side.Bottom : spot.side === 'out' ? Side.Right : Side.Left,
      x: spot.bottom ? spot.x - handle : spot.side === 'out' ? spot.x - handle : spot.x,
      y: spot.bottom ? spot.y - handle : spot.y - handle,
      width: spot.bottom ? 2 * handle : handle,
      height: spot.bottom ? handle : 2 * handle,
    }));
    return { id: node.id, type: 'card', position: { x: at.x, y: at.y }, data: {}, selected, width: cardWidth, height: cardHeight, handles, draggable: !readOnly };
  }

  edgesOf(doc: FlowDocument, selected: ReadonlySet<string>): Edge[] {
    const next = new Map<FlowEdge, Edge>();
    const ids = new Set(doc.nodes.map((node) => node.id));
    const drawn: Edge[] = [];
    const port = (edge: FlowEdge) => `${edge.to.node}.${edge.to.port}`;
    const arriving = new Map<string, number>();
    for (const edge of doc.edges) arriving.set(port(edge), (arriving.get(port(edge)) ?? 0) + 1);
    for (const edge of doc.edges) {
      if (!ids.has(edge.from.node) || !ids.has(edge.to.node)) continue; // the check reports it
      const id = edgeKey(edge);
      const last = this.edges.get(edge);
      const alone = arriving.get(port(edge)) === 1;
      const made = last && last.selected === selected.has(id) && last.data!.alone === alone ? last : {
        id, type: 'line', source: edge.from.node, target: edge.to.node, sourceHandle: edge.from.port, targetHandle: edge.to.port, selected: selected.has(id), data: { alone },
      };
      next.set(edge, made);
      drawn.push(made);
    }
    this.edges = next;
    return drawn;
  }
}

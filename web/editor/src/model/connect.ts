// What may be connected, and why not.

import type { Catalogue, NodeType } from '../api/types';
import { downstream, inputsOf, nodeOf, outputsOf, portsOf, rejectsPort, titleOf, typeOf, type Endpoint, type FlowDocument } from './document';
import type { PortRef } from './editor';

/** whyNot says why an edge cannot be drawn; null when it can. */
export function whyNot(doc: FlowDocument, catalogue: Catalogue, from: Endpoint, to: Endpoint): string | null {
  const source = nodeOf(doc, from.node);
  const target = nodeOf(doc, to.node);
  if (!source || !target) return 'The node is gone.';
  if (from.node === to.node) return 'A node cannot read its own records.';
  const output = portsOf(doc, source, catalogue).outputs.find((port) => port.name === from.port);
  const input = portsOf(doc, target, catalogue).inputs.find((port) => port.name === to.port);
  if (!output) return `${titleOf(source)} has no output "${from.port}".`;
  if (!input) return inputsOf(typeOf(catalogue, target.type)).length === 0 ? `${titleOf(target)} reads no records.` : `${titleOf(target)} has no input "${to.port}".`;
  const arriving = doc.edges.filter((edge) => edge.to.node === to.node && edge.to.port === to.port);
  const taken = arriving.find((edge) => edge.from.node === from.node && edge.from.port === from.port) ?? arriving[0];
  if (taken && (!input.many || (taken.from.node === from.node && taken.from.port === from.port))) return taken.from.node === from.node && taken.from.port === from.port ? 'These ports are connected already.' : `The input "${input.title}" of ${titleOf(target)} is connected already.`;
  if (downstream(doc, to.node).has(from.node)) return 'The records would run in a circle.';
  return null;
}

/** endsOf brings a drawn edge into the direction of the records, whichever end it began at. */
export function endsOf(a: PortRef, b: PortRef): { from: Endpoint; to: Endpoint } | null {
  if (a.side === b.side) return null;
  const [from, to] = a.side === 'out' ? [a, b] : [b, a];
  return { from: { node: from.node, port: from.port }, to: { node: to.node, port: to.port } };
}

/** fits names the port of a node that a port can be connected to, or says why there is none. */
export function fits(doc: FlowDocument, catalogue: Catalogue, ref: PortRef, node: string): { port: string } | { reason: string } {
  const target = nodeOf(doc, node);
  if (!target) return { reason: 'The node is gone.' };
  const { inputs, outputs } = portsOf(doc, target, catalogue);
  const ports = ref.side === 'out' ? inputs : outputs;
  let reason = ref.side === 'out' ? `${titleOf(target)} reads no records.` : `${titleOf(target)} passes no records on.`;
  for (const port of ports) {
    const ends = endsOf(ref, { node, port: port.name, side: ref.side === 'out' ? 'in' : 'out' })!;
    const why = whyNot(doc, catalogue, ends.from, ends.to);
    if (why === null) return { port: port.name };
    reason = why;
  }
  return { reason };
}

/** typeFits says why a new node of this type cannot be connected to a port; null when it can. */
export function typeFits(type: NodeType, ref: { side: 'in' | 'out' }): string | null {
  if (ref.side === 'out') return inputsOf(type).length > 0 ? null : 'It reads no records.';
  return outputsOf(type).some((port) => port.name !== rejectsPort) ? null : 'It passes no records on.';
}

/** freeOutput is the port that a following node is connected to: the first one, without rejects, that nothing reads yet. */
export function freeOutput(doc: FlowDocument, catalogue: Catalogue, id: string): string | undefined {
  const node = nodeOf(doc, id);
  if (!node) return undefined;
  const outputs = outputsOf(typeOf(catalogue, node.type), node.config).filter((port) => port.name !== rejectsPort);
  const free = outputs.find((port) => !doc.edges.some((edge) => edge.from.node === id && edge.from.port === port.name));
  return (free ?? outputs[0])?.name;
}

/** looseInputs are required inputs that nothing is connected to. */
export function looseInputs(doc: FlowDocument, catalogue: Catalogue, id: string): string[] {
  const node = nodeOf(doc, id);
  const ports = node ? inputsOf(typeOf(catalogue, node.type)) : [];
  return ports.filter((port) => !port.optional && !doc.edges.some((edge) => edge.to.node === id && edge.to.port === port.name)).map((port) => port.name);
}

/** reconnections are the edges that close the gap when nodes are deleted: what came in goes to who read the first output. */
export function reconnections(doc: FlowDocument, gone: ReadonlySet<string>): { from: Endpoint; to: Endpoint }[] {
  const result: { from: Endpoint; to: Endpoint }[] = [];
  for (const edge of doc.edges) {
    if (!gone.has(edge.from.node) || gone.has(edge.to.node) || edge.from.port === rejectsPort) continue;
    const from = sourceBefore(doc, gone, edge.from.node, new Set());
    if (from) result.push({ from, to: { ...edge.to } });
  }
  return result;
}

function sourceBefore(doc: FlowDocument, gone: ReadonlySet<string>, node: string, seen: Set<string>): Endpoint | null {
  if (seen.has(node)) return null;
  seen.add(node);
  const edge = doc.edges.find((edge) => edge.to.node === node);
  if (!edge) return null;
  return gone.has(edge.from.node) ? sourceBefore(doc, gone, edge.from.node, seen) : { ...edge.from };
}

// The flow document as it is saved, and questions about it. Members that this version does not know are kept: objects
// are changed in place of a copy (immer), never rebuilt from their known members.

import type { Catalogue, NodeType, Port } from '../api/types';

export type RejectPolicy = 'fail' | 'reject' | 'skip';
export type Config = Record<string, unknown>;

export interface FlowNode {
  id: string;
  type: string;
  version: number;
  name?: string;
  disabled?: boolean;
  rejects?: RejectPolicy;
  notes?: string;
  config?: Config;
}

export interface Endpoint {
  node: string;
  port: string;
}

export interface FlowEdge {
  from: Endpoint;
  to: Endpoint;
}

export interface Position {
  x: number;
  y: number;
}

export interface Layout {
  nodes?: Record<string, Position>;
}

export interface Parameter {
  name: string;
  type: string;
  default?: unknown;
  title?: string;
  secret?: boolean;
  environments?: Record<string, unknown>;
}

export interface FlowSettings {
  rejects?: RejectPolicy;
  maxRejects?: number;
  noCounts?: boolean;
  concurrency?: 'queue' | 'skip' | 'parallel';
  memoryMB?: number;
}

export interface FlowDocument {
  format: number;
  id?: string;
  name: string;
  description?: string;
  parameters?: Parameter[];
  settings?: FlowSettings;
  nodes: FlowNode[];
  edges: FlowEdge[];
  layout?: Layout;
}

/** documentOf makes what the server sent safe to walk: lists that are null in JSON become empty ones. */
export function documentOf(value: unknown): FlowDocument {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Partial<FlowDocument>;
  return { ...given, format: given.format ?? 1, name: given.name ?? '', nodes: given.nodes ?? [], edges: given.edges ?? [] };
}

export function emptyDocument(name = 'New flow'): FlowDocument {
  return { format: 1, name, nodes: [], edges: [], layout: { nodes: {} } };
}

export const rejectsPort = 'rejects';

export function edgeKey(edge: FlowEdge): string {
  return `${edge.from.node}.${edge.from.port}>${edge.to.node}.${edge.to.port}`;
}

export function nodeOf(doc: FlowDocument, id: string): FlowNode | undefined {
  return doc.nodes.find((node) => node.id === id);
}

export function titleOf(node: FlowNode): string {
  return node.name || node.id;
}

/** typeOf finds a node type; undefined for one that this server does not know. */
export function typeOf(catalogue: Catalogue, id: string): NodeType | undefined {
  return typesById(catalogue).get(id);
}

const indexes = new WeakMap<Catalogue, Map<string, NodeType>>();

function typesById(catalogue: Catalogue): Map<string, NodeType> {
  let index = indexes.get(catalogue);
  if (!index) indexes.set(catalogue, (index = new Map(catalogue.nodes.map((type) => [type.id, type]))));
  return index;
}

export function inputsOf(type: NodeType | undefined): Port[] {
  return type?.inputs ?? [];
}

/** outputsOf lists the output ports, those that the config names first and rejects last. */
export function outputsOf(type: NodeType | undefined, config: Config = {}): Port[] {
  if (!type) return [];
  const ports = [...(type.outputs ?? [])];
  let at = 0;
  for (const name of listedNames(type, config)) {
    if (name === '' || name === rejectsPort || ports.some((port) => port.name === name)) continue;
    ports.splice(at++, 0, { name, title: name, optional: true });
  }
  return type.rejects ? [...ports, { name: rejectsPort, title: 'Rejects', optional: true }] : ports;
}

/** listedNames are the names that a config lists for outputs, usable or not: '' where there is none. */
export function listedNames(type: NodeType | undefined, config: Config = {}): string[] {
  const listed = type?.portsFrom ? config[type.portsFrom] : undefined;
  return (Array.isArray(listed) ? (listed as unknown[]) : []).map((item) => {
    const name = typeof item === 'object' && item !== null ? (item as { name?: unknown }).name : undefined;
    return typeof name === 'string' ? name : '';
  });
}

/**
 * renamePort lets the edges of an output follow its new name, also while the name is typed anew: what is empty or taken on
 * the way is no port, and the edges that lost theirs wait for the next name. Use it inside a recipe.
 */
export function renamePort(doc: FlowDocument, node: string, type: NodeType | undefined, before: readonly string[], after: readonly string[]): void {
  const changed = after.flatMap((name, i) => (name === before[i] ? [] : [i]));
  const [i] = changed;
  if (before.length !== after.length || changed.length !== 1 || i === undefined) return;
  const fixed = [rejectsPort, ...(type?.outputs ?? []).map((port) => port.name)];
  const usable = (name: string, names: readonly string[]) => name !== '' && !fixed.includes(name) && names.indexOf(name) === names.lastIndexOf(name);
  const [was, name] = [before[i]!, after[i]!];
  if (!usable(name, after)) return;
  const edges = edgesOutOf(doc, node).filter((edge) => (usable(was, before) ? edge.from.port === was : ![...fixed, ...after].includes(edge.from.port)));
  if (new Set(edges.map((edge) => edge.from.port)).size === 1) for (const edge of edges) edge.from.port = name;
}

/** portsOf are the ports to draw: those of the type, and of an unknown type those that edges name. */
export function portsOf(doc: FlowDocument, node: FlowNode, catalogue: Catalogue): { inputs: Port[]; outputs: Port[] } {
  const type = typeOf(catalogue, node.type);
  const inputs = [...inputsOf(type)];
  const outputs = [...outputsOf(type, node.config)];
  for (const edge of doc.edges) {
    if (edge.to.node === node.id) addMissing(inputs, edge.to.port);
    if (edge.from.node === node.id) addMissing(outputs, edge.from.port);
  }
  return { inputs, outputs };
}

function addMissing(ports: Port[], name: string): void {
  if (!ports.some((port) => port.name === name)) ports.push({ name, title: name, optional: true });
}

export function edgesInto(doc: FlowDocument, node: string): FlowEdge[] {
  return doc.edges.filter((edge) => edge.to.node === node);
}

/** inputKeys name what arrives at a node: by its port, and what the second edge to one brings `port#2`, as the server does. */
export function inputKeys(doc: FlowDocument, node: string): { key: string; edge: FlowEdge }[] {
  const arrived = new Map<string, number>();
  return edgesInto(doc, node).map((edge) => {
    const n = (arrived.get(edge.to.port) ?? 0) + 1;
    arrived.set(edge.to.port, n);
    return { key: n === 1 ? edge.to.port : `${edge.to.port}#${n}`, edge };
  });
}

export function edgesOutOf(doc: FlowDocument, node: string): FlowEdge[] {
  return doc.edges.filter((edge) => edge.from.node === node);
}

/** upstream answers the nodes that records come from, without the node itself. */
export function upstream(doc: FlowDocument, node: string): Set<string> {
  return reach(node, neighbours(doc, 'to', 'from'));
}

/** downstream answers the nodes that records go to, without the node itself. */
export function downstream(doc: FlowDocument, node: string): Set<string> {
  return reach(node, neighbours(doc, 'from', 'to'));
}

function neighbours(doc: FlowDocument, here: 'from' | 'to', there: 'from' | 'to'): Map<string, string[]> {
  const map = new Map<string, string[]>();
  for (const edge of doc.edges) {
    const list = map.get(edge[here].node);
    if (list) list.push(edge[there].node);
    else map.set(edge[here].node, [edge[there].node]);
  }
  return map;
}

function reach(start: string, next: Map<string, string[]>): Set<string> {
  const seen = new Set<string>();
  const open = [...(next.get(start) ?? [])];
  while (open.length > 0) {
    const node = open.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...(next.get(node) ?? []));
  }
  seen.delete(start);
  return seen;
}

/** freeId makes an id from a word: filter, filter_2, filter_3 … */
export function freeId(doc: { nodes: readonly { id: string }[] }, word: string, taken: ReadonlySet<string> = new Set()): string {
  const base = word.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 56) || 'node';
  const used = new Set(doc.nodes.map((node) => node.id));
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}_${n}`;
    if (!used.has(id) && !taken.has(id)) return id;
  }
}

/** newNode makes a node of a type with the type's own defaults left to the server. */
export function newNode(doc: FlowDocument, type: NodeType, config: Config = {}): FlowNode {
  const id = freeId(doc, type.title);
  const same = doc.nodes.filter((node) => node.type === type.id).length;
  return { id, type: type.id, version: type.version, name: same === 0 ? type.title : `${type.title} ${same + 1}`, config };
}

export function positionOf(doc: FlowDocument, id: string): Position | undefined {
  const at = doc.layout?.nodes?.[id];
  return at && Number.isFinite(at.x) && Number.isFinite(at.y) ? at : undefined;
}

/** place writes a position; use it inside a recipe. */
export function place(doc: FlowDocument, id: string, at: Position): void {
  doc.layout ??= {};
  doc.layout.nodes ??= {};
  doc.layout.nodes[id] = { ...doc.layout.nodes[id], x: Math.round(at.x), y: Math.round(at.y) };
}

/** removeNodes deletes nodes with their edges and positions; use it inside a recipe. */
export function removeNodes(doc: FlowDocument, ids: ReadonlySet<string>): void {
  doc.nodes = doc.nodes.filter((node) => !ids.has(node.id));
  doc.edges = doc.edges.filter((edge) => !ids.has(edge.from.node) && !ids.has(edge.to.node));
  for (const id of ids) if (doc.layout?.nodes) delete doc.layout.nodes[id];
}

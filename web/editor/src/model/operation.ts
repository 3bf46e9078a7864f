// What people do to a flow, each as one undo step. The canvas, the keyboard and the palette all come through here.

import type { Catalogue, NodeType } from '../api/types';
import { freePlace, positions, snap } from '../canvas/tidy';
import { cardHeight, cardWidth } from '../canvas/view';
import { endsOf, freeOutput, looseInputs, reconnections, typeFits, whyNot } from './connect';
import {
  edgeKey, inputsOf, newNode, nodeOf, outputsOf, place, rejectsPort, removeNodes, titleOf, typeOf, type Config, type Endpoint, type FlowDocument, type FlowEdge, type FlowNode, type Position,
} from './document';
import type { Editor, PortRef } from './editor';

const apart = cardWidth + 84;

export interface AddOptions {
  at?: Position; // top left corner
  from?: PortRef | undefined; // port to connect to
  edge?: string | undefined; // key of the edge to be inserted into
  config?: Config;
  name?: string;
}

/** addNode adds a node of a type, connects it and selects it. It answers the node's id. */
export function addNode(editor: Editor, type: NodeType, options: AddOptions = {}): string | null {
  const { document } = editor.state;
  const node = newNode(document, type, options.config);
  if (options.name) node.name = options.name;
  const from = options.from && typeFits(type, options.from) === null ? options.from : undefined;
  const wish = options.at ?? placeNear(document, from);
  const at = options.at ? { x: snap(wish.x), y: snap(wish.y) } : freePlace(positions(document).values(), wish);
  const done = editor.change(`Add ${node.name}`, (doc) => {
    keepPlaces(doc);
    doc.nodes.push(node);
    place(doc, node.id, at);
    if (options.edge) insert(doc, type, node, options.edge);
    else if (from) connectNew(doc, editor.state.catalogue, type, node, from);
  });
  if (!done) return null;
  editor.focusNode(node.id);
  if (editor.state.panel) editor.openNode(node.id);
  editor.announce(`${node.name} added.`);
  return node.id;
}

/** addAfter adds after the selected node, connected to its first free output, or where there is room. */
export function addAfter(editor: Editor, type: NodeType, middle: Position): string | null {
  const { document, catalogue, selection } = editor.state;
  const only = selection.size === 1 ? [...selection][0]! : null;
  const port = only === null ? undefined : freeOutput(document, catalogue, only);
  if (only !== null && port !== undefined && typeFits(type, { side: 'out' }) === null) {
    return addNode(editor, type, { from: { node: only, port, side: 'out' } });
  }
  const at = freePlace(positions(document).values(), { x: middle.x - cardWidth / 2, y: middle.y - cardHeight / 2 });
  return addNode(editor, type, { at });
}

function placeNear(doc: FlowDocument, from: PortRef | undefined): Position {
  const at = from && positions(doc).get(from.node);
  if (!at) return { x: 0, y: 0 };
  return { x: at.x + (from.side === 'out' ? apart : -apart), y: from.port === rejectsPort ? at.y + cardHeight + 52 : at.y };
}

/** keepPlaces writes down where unplaced nodes are drawn, so that they do not jump when the flow changes. */
function keepPlaces(doc: FlowDocument): void {
  if (doc.nodes.every((node) => doc.layout?.nodes?.[node.id])) return;
  for (const [id, at] of positions(doc)) if (!doc.layout?.nodes?.[id]) place(doc, id, at);
}

function connectNew(doc: FlowDocument, catalogue: Catalogue, type: NodeType, node: FlowNode, from: PortRef): void {
  const port = from.side === 'out' ? inputsOf(type)[0]?.name : outputsOf(type, node.config)[0]?.name;
  if (port === undefined) return;
  const ends = endsOf(from, { node: node.id, port, side: from.side === 'out' ? 'in' : 'out' })!;
  if (whyNot(doc, catalogue, ends.from, ends.to) === null) doc.edges.push({ from: ends.from, to: ends.to });
}

function insert(doc: FlowDocument, type: NodeType, node: FlowNode, key: string): void {
  const index = doc.edges.findIndex((edge) => edgeKey(edge) === key);
  const input = inputsOf(type)[0]?.name;
  const output = outputsOf(type, node.config).find((port) => port.name !== rejectsPort)?.name;
  if (index < 0 || input === undefined || output === undefined) return;
  const edge = doc.edges[index]!;
  const to = { ...edge.to };
  edge.to = { ...edge.to, node: node.id, port: input };
  doc.edges.push({ from: { node: node.id, port: output }, to });
}

/** insertNode moves an existing, unconnected node into an edge; whether it could. */
export function insertNode(editor: Editor, id: string, key: string): boolean {
  const { document, catalogue } = editor.state;
  const node = nodeOf(document, id);
  const type = node && typeOf(catalogue, node.type);
  if (!node || !type || !canInsert(document, type, id)) return false;
  return editor.change(`Insert ${titleOf(node)}`, (doc) => insert(doc, type, node, key));
}

export function canInsert(doc: FlowDocument, type: NodeType, id: string): boolean {
  const free = !doc.edges.some((edge) => edge.from.node === id || edge.to.node === id);
  return free && inputsOf(type).length > 0 && outputsOf(type).some((port) => port.name !== rejectsPort);
}

/** connect draws an edge; the answer is why it cannot be drawn, null when it was. */
export function connect(editor: Editor, from: Endpoint, to: Endpoint): string | null {
  const { document, catalogue } = editor.state;
  const why = whyNot(document, catalogue, from, to);
  if (why !== null) {
    editor.announce(why);
    return why;
  }
  editor.change('Connect', (doc) => void doc.edges.push({ from: { ...from }, to: { ...to } }));
  editor.announce(`${titleOf(nodeOf(document, from.node)!)} is connected to ${titleOf(nodeOf(document, to.node)!)}.`);
  return null;
}

/** removeSelected deletes what is selected; `reconnect` closes the gaps. */
export function removeSelected(editor: Editor, reconnect = false): void {
  const { selection, edges, document, focus } = editor.state;
  if (selection.size === 0 && edges.size === 0) return;
  const nearest = document.edges.find((edge) => focus !== null && edge.to.node === focus && !selection.has(edge.from.node))?.from.node;
  const label = selection.size === 0 ? 'Delete edge' : selection.size === 1 ? `Delete ${titleOf(nodeOf(document, [...selection][0]!)!)}` : `Delete ${selection.size} nodes`;
  editor.change(label, (doc) => {
    const bridges = reconnect ? reconnections(doc, selection) : [];
    doc.edges = doc.edges.filter((edge) => !edges.has(edgeKey(edge)));
    removeNodes(doc, selection);
    for (const bridge of bridges) if (whyNot(doc, editor.state.catalogue, bridge.from, bridge.to) === null) doc.edges.push(bridge);
  });
  if (nearest !== undefined) editor.focusNode(nearest);
  editor.announce(`${label}.`);
}

/** moveInto lets the source of a filter do its work: one undo step. */
export function moveInto(editor: Editor, move: { node: string; into: string; where?: string }): void {
  editor.change('Move the filter into the database', (doc) => {
    const source = nodeOf(doc, move.into);
    if (!source) return;
    const gone = new Set([move.node]);
    const bridges = reconnections(doc, gone);
    removeNodes(doc, gone);
    for (const bridge of bridges) if (whyNot(doc, editor.state.catalogue, bridge.from, bridge.to) === null) doc.edges.push(bridge);
    const before = String(source.config?.['where'] ?? '').trim();
    source.config = { ...source.config, where: before ? `(${before}\n) AND ${move.where}` : move.where }; // a comment ends with its line
  });
  editor.openNode(move.into, 'where');
  editor.announce('The database filters the records now.');
}

export function removeEdge(editor: Editor, key: string): void {
  editor.change('Delete edge', (doc) => {
    doc.edges = doc.edges.filter((edge) => edgeKey(edge) !== key);
  });
}

/** What the clipboard holds. */
export interface Clip {
  spark: 'nodes';
  nodes: FlowNode[];
  edges: FlowEdge[];
  positions: Record<string, Position>;
}

/** clipOf copies nodes and the edges between them. */
export function clipOf(doc: FlowDocument, ids: ReadonlySet<string>): Clip {
  const at = positions(doc);
  return {
    spark: 'nodes',
    nodes: doc.nodes.filter((node) => ids.has(node.id)),
    edges: doc.edges.filter((edge) => ids.has(edge.from.node) && ids.has(edge.to.node)),
    positions: Object.fromEntries([...ids].flatMap((id) => (at.has(id) ? [[id, at.get(id)!]] : []))),
  };
}

/** readClip reads what was copied, also by another tab or browser; null for any other text. */
export function readClip(text: string): Clip | null {
  if (!text.trimStart().startsWith('{')) return null;
  let value: Partial<Clip>;
  try {
    value = JSON.parse(text) as Partial<Clip>;
  } catch {
    return null;
  }
  if (value?.spark !== 'nodes' || !Array.isArray(value.nodes) || !Array.isArray(value.edges)) return null;
  const nodes = value.nodes.filter((node) => typeof node?.id === 'string' && typeof node.type === 'string');
  const edges = value.edges.filter((edge) => [edge?.from, edge?.to].every((end) => typeof end?.node === 'string' && typeof end.port === 'string'));
  const at = typeof value.positions === 'object' && value.positions !== null ? value.positions : {};
  return nodes.length > 0 ? { spark: 'nodes', nodes, edges, positions: at } : null;
}

/** paste adds copied nodes under ids that are free here, their middle at a point or a step beside where they were. */
export function paste(editor: Editor, clip: Clip, label = 'Paste', middle?: Position): void {
  const { document } = editor.state;
  const ids = new Map<string, string>();
  const names = new Set(document.nodes.map(titleOf));
  const used = new Set(document.nodes.map((node) => node.id));
  for (const node of clip.nodes) {
    const id = nextId(node.id, used);
    used.add(id);
    ids.set(node.id, id);
  }
  const shift = shiftOf(clip, middle);
  editor.change(label, (doc) => {
    keepPlaces(doc);
    for (const node of clip.nodes) {
      const copy = structuredCloneOf(node);
      copy.id = ids.get(node.id)!;
      if (copy.name && names.has(copy.name)) copy.name = nextName(copy.name, names);
      names.add(titleOf(copy));
      doc.nodes.push(copy);
      const at = clip.positions[node.id];
      if (at && Number.isFinite(at.x) && Number.isFinite(at.y)) place(doc, copy.id, { x: at.x + shift.x, y: at.y + shift.y });
    }
    for (const edge of clip.edges) {
      const from = ids.get(edge.from.node);
      const to = ids.get(edge.to.node);
      if (from && to) doc.edges.push({ ...edge, from: { ...edge.from, node: from }, to: { ...edge.to, node: to } });
    }
  });
  editor.select(ids.values());
  editor.announce(`${clip.nodes.length === 1 ? '1 node' : `${clip.nodes.length} nodes`} added.`);
}

function shiftOf(clip: Clip, middle: Position | undefined): Position {
  const all = Object.values(clip.positions).filter((at) => Number.isFinite(at?.x) && Number.isFinite(at?.y));
  if (!middle || all.length === 0) return { x: 32, y: 32 };
  const xs = all.map((at) => at.x);
  const ys = all.map((at) => at.y);
  const x = (Math.min(...xs) + Math.max(...xs) + cardWidth) / 2;
  const y = (Math.min(...ys) + Math.max(...ys) + cardHeight) / 2;
  return { x: snap(middle.x - x), y: snap(middle.y - y) };
}

// Values may be numbers that JavaScript cannot hold (api/exact.ts), which structuredClone would make objects of.
function structuredCloneOf(node: FlowNode): FlowNode {
  return { ...node };
}

function nextId(id: string, used: ReadonlySet<string>): string {
  if (!used.has(id) && /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id)) return id;
  const base = (id.replace(/_\d+$/, '').replace(/[^A-Za-z0-9_-]/g, '_').replace(/^[^A-Za-z0-9]+/, '') || 'node').slice(0, 56);
  let n = 2;
  while (used.has(`${base}_${n}`)) n++;
  return `${base}_${n}`;
}

function nextName(name: string, used: ReadonlySet<string>): string {
  const base = name.replace(/ \d+$/, '');
  let n = 2;
  while (used.has(`${base} ${n}`)) n++;
  return `${base} ${n}`;
}

/** move writes positions of a drag or of the arrow keys. */
export function move(editor: Editor, moved: ReadonlyMap<string, Position>, merge?: string): void {
  const label = moved.size === 1 ? 'Move node' : `Move ${moved.size} nodes`;
  editor.change(label, (doc) => {
    keepPlaces(doc);
    for (const [id, at] of moved) {
      const before = doc.layout?.nodes?.[id];
      if (nodeOf(doc, id) && (before?.x !== at.x || before?.y !== at.y)) place(doc, id, at);
    }
  }, { merge });
}

export function rename(editor: Editor, id: string, name: string): void {
  const trimmed = name.trim();
  editor.change('Rename', (doc) => {
    const node = nodeOf(doc, id);
    if (!node || (node.name ?? '') === trimmed) return;
    if (trimmed) node.name = trimmed;
    else delete node.name;
  });
}

export function toggleDisabled(editor: Editor, ids: ReadonlySet<string>): void {
  const nodes = editor.state.document.nodes.filter((node) => ids.has(node.id));
  if (nodes.length === 0) return;
  const disable = nodes.some((node) => !node.disabled);
  editor.change(disable ? 'Disable' : 'Enable', (doc) => {
    for (const node of doc.nodes) {
      if (!ids.has(node.id)) continue;
      if (disable) node.disabled = true;
      else delete node.disabled;
    }
  });
  editor.announce(disable ? 'Disabled: the flow runs without it.' : 'Enabled.');
}

/** quickAddRef is the port that a node is continued from. */
export function quickAddRef(editor: Editor, id: string): PortRef | undefined {
  const { document, catalogue } = editor.state;
  const output = freeOutput(document, catalogue, id);
  if (output !== undefined) return { node: id, port: output, side: 'out' };
  const input = looseInputs(document, catalogue, id)[0];
  return input === undefined ? undefined : { node: id, port: input, side: 'in' };
}

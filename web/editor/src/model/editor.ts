// The editor's state outside of React. How to use it:
//
//   const editor = new Editor(document, catalogue);
//   editor.state                                 the current state, immutable: compare parts by identity
//   editor.subscribe(listener)                   after every change; React uses useEditor(selector) of shell/editor.ts
//   editor.change('Set condition', (doc) => {…}) the only way to change the document: the recipe works on an immer draft
//   editor.change(label, recipe, { merge })      calls with the same merge key within 800 ms are one undo step: use it for
//                                                typing, with a key such as `config:${node}:${path}`; end one early with seal()
//   editor.config('filter', 'Set condition', (config) => { config.condition = '…' }, { merge })   the same for one node's config
//   editor.select(nodes, edges?)                 selection is not undone
//   editor.openNode(id, field?)                  opens the config panel at a node, and at a setting such as fields[2].expression:
//                                                state.panel; every call has a new `nonce`, so that the same field is focused again
//   editor.openDock('preview')                   shows a tab of the bottom dock
//   editor.announce('…')                         for screen readers, at most one in 2 s is spoken
//
// Panels are exported by panel/index.ts by the names ConfigPanel, PreviewPanel, SchemaPanel, ProblemsPanel, LogPanel, RejectsPanel
// and RunsPanel, without props: they take what they need from useServices() and useEditor() of shell/editor.ts.
//
// What the server found is in state.check (problems with paths, schemas of output ports; `version` counts answers). Where
// state.readOnly is set, change does nothing: on the page of a run, and while the window is narrow (see Editor.setNarrow). Counts of runs are never here: see live/store.ts; state.run changes with states only.

import { applyPatches, enablePatches, produce, produceWithPatches, setAutoFreeze, type Patch } from 'immer';
import type { Catalogue, Check, Delivery, Environment, Field, Flow, FlowError, Move, Pin, Run, SampleMode } from '../api/types';
import { edgeKey, listedNames, nodeOf, renamePort, typeOf, type Config, type FlowDocument, type Position } from './document';

enablePatches();
setAutoFreeze(true);

export type DockTab = 'preview' | 'schema' | 'problems' | 'log' | 'rejects' | 'runs';
export type Side = 'in' | 'out';

/** A port that an edge is being drawn from. */
export interface PortRef {
  node: string;
  port: string;
  side: Side;
}

export interface QuickAdd {
  from?: PortRef; // what the new node is connected to
  edge?: string; // key of the edge that the new node is inserted into
  at: Position; // in the flow
  drop?: boolean; // the new node stands where the edge was dropped
  connectOnly?: boolean; // offers existing nodes instead of new ones
}

export type SavedState =
  | { kind: 'saved'; at?: string }
  | { kind: 'changed' }
  | { kind: 'saving' }
  | { kind: 'failed'; reason: string }
  | { kind: 'conflict'; theirs: Flow };

export interface CheckState {
  problems: readonly FlowError[];
  ports: ReadonlyMap<string, readonly Field[]>; // by `node.port`
  skipped: Readonly<Record<string, string>>;
  deliveries: readonly Delivery[]; // of the outputs
  moves: readonly Move[]; // filters behind tables
  version: number;
  reason?: string; // why the server could not check
}

export interface EditorState {
  document: FlowDocument;
  catalogue: Catalogue;
  readOnly: boolean; // the document cannot be changed
  narrow: boolean; // the window has no room for editing
  selection: ReadonlySet<string>;
  edges: ReadonlySet<string>; // selected edges by key
  focus: string | null; // node with the keyboard's focus on the canvas
  panel: { node: string; field?: string; nonce: number } | null;
  dock: { open: boolean; tab: DockTab };
  left: 'palette' | 'outline' | null;
  quickAdd: QuickAdd | null;
  connecting: PortRef | null;
  hint: string; // why an edge cannot be drawn to the port under the pointer
  renaming: string | null;
  menu: { node: string; at: Position } | null; // the menu of a node, at a point of the window
  help: boolean;
  flowSettings: boolean; // are open
  asking: { until?: string; sample?: true } | null; // the values of a run are asked for
  environments: readonly Environment[];
  environment: string; // that the flow is checked, previewed and run in
  given: Readonly<Record<string, string>>; // values of parameters that previews use
  published: number; // revision that was published last from here, 0: none
  check: CheckState;
  saved: SavedState;
  offline: boolean; // the server does not answer: what is shown of it may be old
  previewed: readonly FlowError[]; // what the newest preview found
  samples: Readonly<Record<string, SampleMode>>; // which records previews read of a source; the first of those that are not here
  pins: readonly Pin[]; // nodes that previews begin at, in order of their ids
  pinning: string | null; // node that is being pinned
  sampleOnly: boolean; // Run reads a sample and writes nothing
  etag: string;
  run: Run | null; // the run that is watched, without counts
  runError: { message: string; suggestion?: string | undefined } | null; // why the last run could not start
  announcement: string;
  canUndo: string | null; // label of the step
  canRedo: string | null;
}

interface Step {
  label: string;
  merge?: string | undefined;
  at: number;
  patches: Patch[];
  inverse: Patch[];
}

export interface ChangeOptions {
  merge?: string | undefined;
}

const burst = 800; // ms
const most = 500; // undo steps that are kept

const nothingChecked: CheckState = { problems: [], ports: new Map(), skipped: {}, deliveries: [], moves: [], version: 0 };

export class Editor {
  state: EditorState;
  private readonly listeners = new Set<() => void>();
  private undos: Step[] = [];
  private redos: Step[] = [];
  private group: { label: string; step: Step | null } | null = null; // see together
  private nonce = 0;

  constructor(
    document: FlowDocument,
    catalogue: Catalogue,
    options: { readOnly?: boolean; etag?: string; now?: () => number } = {},
  ) {
    this.fixed = options.readOnly ?? false;
    this.now = options.now ?? (() => performance.now());
    this.state = {
      document: produce(document, () => {}),
      catalogue,
      readOnly: this.fixed,
      narrow: false,
      selection: new Set(),
      edges: new Set(),
      focus: null,
      panel: null,
      dock: { open: true, tab: 'preview' },
      left: 'palette',
      quickAdd: null,
      connecting: null,
      hint: '',
      renaming: null,
      menu: null,
      help: false,
      flowSettings: false,
      asking: null,
      environments: [],
      environment: '',
      given: {},
      published: 0,
      check: nothingChecked,
      saved: { kind: 'saved' },
      offline: false,
      previewed: [],
      samples: {},
      pins: [],
      pinning: null,
      sampleOnly: false,
      etag: options.etag ?? '',
      run: null,
      runError: null,
      announcement: '',
      canUndo: null,
      canRedo: null,
    };
  }

  private readonly now: () => number;
  private readonly fixed: boolean;

  /** setNarrow says whether the window has room for editing; without it the flow can be looked at and run. */
  setNarrow(narrow: boolean): void {
    if (narrow === this.state.narrow) return;
    const { left } = this.state;
    this.put({ narrow, readOnly: this.fixed || narrow, quickAdd: null, renaming: null, menu: null, left: narrow && left === 'palette' ? null : left });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** set replaces parts of the state that are not the document. */
  set(part: Partial<Omit<EditorState, 'document' | 'canUndo' | 'canRedo'>>): void {
    this.put(part);
  }

  private put(part: Partial<EditorState>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) listener();
  }

  /** change changes the document. It answers whether anything is different now. */
  change(label: string, recipe: (doc: FlowDocument) => void, options: ChangeOptions = {}): boolean {
    return !this.state.readOnly && this.apply(label, recipe, options);
  }

  private apply(label: string, recipe: (doc: FlowDocument) => void, options: ChangeOptions): boolean {
    const base = this.state.document;
    const [document, patches, inverse] = produceWithPatches(base, (draft) => {
      recipe(draft as FlowDocument);
    });
    if (patches.length === 0) return false;
    this.record({ label, merge: options.merge, at: this.now(), patches, inverse });
    this.redos = [];
    this.take(document);
    return true;
  }

  /** config changes the settings of one node. When one output gets another name, its edges go along. */
  config(id: string, label: string, recipe: (config: Config) => void, options: ChangeOptions = {}): boolean {
    return this.change(
      label,
      (doc) => {
        const node = nodeOf(doc, id);
        if (!node) return;
        const type = typeOf(this.state.catalogue, node.type);
        const before = listedNames(type, node.config);
        recipe((node.config ??= {}));
        renamePort(doc, id, type, before, listedNames(type, node.config));
      },
      options,
    );
  }

  /** together makes one undo step of all that changes until f is done, however long that takes. An undo meanwhile ends it. */
  async together<T>(label: string, f: () => Promise<T>): Promise<T> {
    const mine = (this.group = { label, step: null });
    try {
      return await f();
    } finally {
      if (this.group === mine) this.group = null;
    }
  }

  private record(step: Step): void {
    const { group } = this;
    if (group && !group.step) step = group.step = { ...step, label: group.label, merge: undefined };
    else if (group?.step) return join(group.step, step);
    const last = this.undos.at(-1);
    if (last?.merge !== undefined && last.merge === step.merge && step.at - last.at <= burst) {
      last.at = step.at;
      return join(last, step);
    }
    this.undos.push(step);
    if (this.undos.length > most) this.undos.shift();
  }

  /** seal ends a burst: what follows is a step of its own. */
  seal(): void {
    const last = this.undos.at(-1);
    if (last) last.merge = undefined;
  }

  undo(): boolean {
    const step = this.state.readOnly ? undefined : this.undos.pop();
    if (!step) return false;
    this.group = null;
    this.seal(); // what is typed next is not part of the step before
    this.redos.push({ ...step, merge: undefined });
    this.take(applyPatches(this.state.document, step.inverse));
    this.announce(`Undone: ${step.label}`);
    return true;
  }

  redo(): boolean {
    const step = this.state.readOnly ? undefined : this.redos.pop();
    if (!step) return false;
    this.undos.push(step);
    this.take(applyPatches(this.state.document, step.patches));
    this.announce(`Redone: ${step.label}`);
    return true;
  }

  /** replace puts another document in place of this one, such as theirs after a conflict: one undo step. It is a decision, not an edit, so that it can be made in a narrow window, too. */
  replace(label: string, document: FlowDocument): void {
    this.apply(label, (draft) => {
      for (const key of Object.keys(draft)) if (!(key in document)) delete (draft as unknown as Record<string, unknown>)[key];
      Object.assign(draft, document);
    }, {});
  }

  /** take installs a document and lets go of what points to nodes that are gone. */
  private take(document: FlowDocument): void {
    const { selection, edges, focus, panel, renaming, menu } = this.state;
    const nodes = new Set(document.nodes.map((node) => node.id));
    const keys = new Set(document.edges.map(edgeKey));
    const changed = this.state.saved.kind !== 'conflict' ? { saved: { kind: 'changed' } as SavedState } : {};
    this.put({
      document,
      ...changed,
      selection: keep(selection, nodes),
      edges: keep(edges, keys),
      focus: focus !== null && nodes.has(focus) ? focus : null,
      panel: panel && nodes.has(panel.node) ? panel : null,
      renaming: renaming !== null && nodes.has(renaming) ? renaming : null,
      menu: menu && nodes.has(menu.node) ? menu : null,
      canUndo: this.undos.at(-1)?.label ?? null,
      canRedo: this.redos.at(-1)?.label ?? null,
    });
  }

  select(nodes: Iterable<string>, edges: Iterable<string> = []): void {
    const selection = new Set(nodes);
    const selected = new Set(edges);
    if (same(selection, this.state.selection) && same(selected, this.state.edges)) return;
    const focus = this.state.focus !== null && selection.has(this.state.focus) ? this.state.focus : ([...selection].at(-1) ?? this.state.focus);
    const only = selection.size === 1 ? [...selection][0]! : null;
    const panel = this.state.panel && only !== null && only !== this.state.panel.node ? { node: only, nonce: ++this.nonce } : this.state.panel;
    this.put({ selection, edges: selected, focus, panel });
  }

  /** focusNode moves the keyboard's focus and selects that node alone. */
  focusNode(id: string): void {
    this.select([id]);
    this.put({ focus: id });
  }

  openNode(node: string, field?: string): void {
    this.put({
      panel: field === undefined ? { node, nonce: ++this.nonce } : { node, field, nonce: ++this.nonce },
      selection: new Set([node]),
      edges: new Set(),
      focus: node,
    });
  }

  closePanel(): void {
    if (this.state.panel) this.put({ panel: null });
  }

  openDock(tab: DockTab): void {
    this.put({ dock: { open: true, tab } });
  }

  announce(announcement: string): void {
    this.put({ announcement });
  }

  /** checked takes an answer of the check. */
  checked(check: Check): void {
    const ports = new Map((check.ports ?? []).map((port) => [`${port.node}.${port.port}`, port.schema ?? []] as const));
    this.put({ check: { problems: check.problems ?? [], ports, skipped: check.skipped ?? {}, deliveries: check.deliveries ?? [], moves: check.moves ?? [], version: this.state.check.version + 1 } });
  }

  /** schemaOf is what is known of the records that leave an output port. */
  schemaOf(node: string, port: string): readonly Field[] | undefined {
    return this.state.check.ports.get(`${node}.${port}`);
  }
}

function join(step: Step, next: Step): void {
  step.patches = [...step.patches, ...next.patches];
  step.inverse = [...next.inverse, ...step.inverse];
}

function keep(set: ReadonlySet<string>, known: ReadonlySet<string>): ReadonlySet<string> {
  for (const id of set) if (!known.has(id)) return new Set([...set].filter((id) => known.has(id)));
  return set;
}

function same(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((id) => b.has(id));
}

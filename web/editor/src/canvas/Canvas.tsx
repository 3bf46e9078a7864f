import {
  Background, BackgroundVariant, ReactFlow, ReactFlowProvider, SelectionMode, useReactFlow, useStore, useStoreApi, type Connection, type Edge, type EdgeChange, type FinalConnectionState, type Node, type NodeChange, type OnConnectStartParams,
} from '@xyflow/react';
import './canvas.css';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type DragEvent } from 'react';
import { whyNot } from '../model/connect';
import { typeOf, type Position } from '../model/document';
import type { PortRef } from '../model/editor';
import { addNode, canInsert, connect, insertNode, move } from '../model/operation';
import { nodeOf } from '../model/document';
import { useEditor, useServices } from '../shell/editor';
import { dropFiles } from '../shell/panels';
import { EdgeLine } from './EdgeLine';
import { edgeNear, panTo } from './geometry';
import { between, glideTime, movers } from './glide';
import { Graph } from './graph';
import { NodeCard } from './NodeCard';
import { nodeAt, Overview } from './Overview';
import { QuickAddBox } from './QuickAdd';
import { positions } from './tidy';
import { cardHeight, cardWidth, gridStep } from './view';

const nodeTypes = { card: NodeCard };
const edgeTypes = { line: EdgeLine };
const grid: [number, number] = [gridStep, gridStep];
const nothing: never[] = [];
export const dragType = 'application/x-spark-node-type';

export function Canvas() {
  return (
    <ReactFlowProvider>
      <Inner />
    </ReactFlowProvider>
  );
}

function Inner() {
  const services = useServices();
  const { editor } = services;
  const root = useRef<HTMLDivElement>(null);
  const document = useEditor((s) => s.document);
  const catalogue = useEditor((s) => s.catalogue);
  const selection = useEditor((s) => s.selection);
  const selectedEdges = useEditor((s) => s.edges);
  const readOnly = useEditor((s) => s.readOnly);
  const focus = useEditor((s) => s.focus);
  const connecting = useEditor((s) => s.connecting !== null);
  const [moving, setMoving] = useState<ReadonlyMap<string, Position>>(new Map());
  const graph = useMemo(() => new Graph(), []);
  const nodes = useMemo(() => graph.nodesOf(document, catalogue, selection, moving, readOnly), [graph, document, catalogue, selection, moving, readOnly]);
  const edges = useMemo(() => graph.edgesOf(document, selectedEdges), [graph, document, selectedEdges]);
  const overview = useOverview(document);
  const small = useStore((s) => s.transform[2] < 0.6);
  useView(root);
  useKeepInSight();
  const land = useGlide(setMoving);
  useToolSize(root);

  const onNodesChange = useCallback((changes: NodeChange[]) => {
    const moved = changes.filter((c) => c.type === 'position' && c.position !== undefined);
    if (moved.length > 0 && !editor.state.readOnly) {
      setMoving((before) => new Map([...before, ...moved.map((c) => [(c as { id: string }).id, (c as { position: Position }).position] as const)]));
    }
    const selects = changes.filter((c) => c.type === 'select');
    if (selects.length > 0) editor.select(toggled(editor.state.selection, selects), editor.state.edges);
  }, [editor]);

  const onEdgesChange = useCallback((changes: EdgeChange[]) => {
    const selects = changes.filter((c) => c.type === 'select');
    if (selects.length > 0) editor.select(editor.state.selection, toggled(editor.state.edges, selects));
  }, [editor]);

  const onDragStop = useCallback((event: MouseEvent | TouchEvent | React.MouseEvent) => {
    setMoving((now) => {
      if (now.size > 0) queueMicrotask(() => drop(now, 'altKey' in event && event.altKey));
      return now;
    });
  }, [editor]);

  const drop = (moved: ReadonlyMap<string, Position>, alone: boolean) => {
    const { document: doc, catalogue: types } = editor.state;
    const id = moved.size === 1 ? [...moved.keys()][0]! : null;
    const node = id === null ? undefined : nodeOf(doc, id);
    const type = node && typeOf(types, node.type);
    move(editor, moved, 'drag');
    if (node && type && !alone && canInsert(doc, type, node.id)) {
      const at = moved.get(node.id)!;
      const key = edgeNear(doc, types, { x: at.x + cardWidth / 2, y: at.y + cardHeight / 2 }, 24);
      if (key !== undefined) insertNode(editor, node.id, key);
    }
    editor.seal();
    setMoving(new Map());
  };

  const onConnect = useCallback((c: Connection) => void connect(editor, { node: c.source, port: c.sourceHandle ?? '' }, { node: c.target, port: c.targetHandle ?? '' }), [editor]);
  const isValid = useCallback((c: Connection | { source: string; target: string; sourceHandle?: string | null; targetHandle?: string | null }) =>
    whyNot(editor.state.document, editor.state.catalogue, { node: c.source, port: c.sourceHandle ?? '' }, { node: c.target, port: c.targetHandle ?? '' }) === null, [editor]);
  const onConnectStart = useCallback((_: unknown, from: OnConnectStartParams) => editor.set({ connecting: refOf(from.nodeId, from.handleId, from.handleType) }), [editor]);
  const onConnectEnd = useCallback((event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
    const from = editor.state.connecting;
    editor.set({ connecting: null });
    if (!from || state.isValid) return;
    const point = 'changedTouches' in event ? event.changedTouches[0]! : event;
    const target = state.toNode && refOf(state.toNode.id, state.toHandle?.id ?? null, state.toHandle?.type ?? null);
    if (!state.toNode) editor.set({ quickAdd: { from, drop: true, at: services.view.toFlow({ x: point.clientX, y: point.clientY }) } });
    else if (target && target.port !== '') {
      const ends = from.side === 'out' ? [from, target] as const : [target, from] as const;
      const why = whyNot(editor.state.document, editor.state.catalogue, ends[0], ends[1]) ?? 'Connect an output to an input.';
      editor.set({ hint: why });
      editor.announce(why);
    }
  }, [editor, services]);

  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    const at = services.view.toFlow({ x: event.clientX, y: event.clientY });
    if (event.dataTransfer.files.length > 0) {
      void dropFiles(services, [...event.dataTransfer.files], { x: at.x - cardWidth / 2, y: at.y - cardHeight / 2 });
      return;
    }
    const type = typeOf(catalogue, event.dataTransfer.getData(dragType));
    if (!type) return;
    const edge = event.altKey ? undefined : edgeNear(editor.state.document, catalogue, at, 24);
    addNode(editor, type, { at: { x: at.x - cardWidth / 2, y: at.y - cardHeight / 2 }, edge });
    services.view.takeFocus();
  };

  /** painted is the node of the overview that an event meets. */
  const painted = (event: React.MouseEvent) => (overview ? nodeAt(document, services.view.toFlow({ x: event.clientX, y: event.clientY })) : undefined);

  const many = document.edges.length > 50;
  return (
    <div
      ref={root}
      className={`canvas${connecting ? ' connecting' : ''}${many ? ' many' : ''}${small ? ' small' : ''}`}
      role="application"
      aria-label="Canvas. Arrow keys go from node to node, A adds a node, question mark lists the keys."
      aria-activedescendant={focus !== null && !overview ? `card-${focus}` : undefined}
      tabIndex={0}
      onDragOver={(event) => {
        if (!readOnly && (event.dataTransfer.types.includes(dragType) || event.dataTransfer.types.includes('Files'))) event.preventDefault();
      }}
      onDrop={readOnly ? undefined : onDrop}
      onDoubleClick={(event) => {
        const id = painted(event);
        if (id !== undefined) services.view.fit([id]);
      }}
    >
      <ReactFlow
        nodes={overview ? nothing : nodes}
        edges={overview ? nothing : edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onNodeDragStart={land}
        onNodeDragStop={onDragStop}
        onSelectionDragStop={onDragStop}
        onConnect={onConnect}
        onConnectStart={onConnectStart}
        onConnectEnd={onConnectEnd}
        isValidConnection={isValid}
        onPaneClick={(event) => {
          const id = painted(event);
          if (id === undefined) editor.select([]);
          else editor.focusNode(id);
          editor.set({ quickAdd: null });
          services.view.takeFocus();
        }}
        onNodeClick={(_, node) => {
          editor.set({ focus: node.id });
          services.view.takeFocus();
        }}
        onNodeContextMenu={(event, node) => {
          event.preventDefault();
          editor.focusNode(node.id);
          editor.set({ menu: { node: node.id, at: { x: event.clientX, y: event.clientY } } });
        }}
        onEdgeClick={(_, edge) => {
          editor.select([], [edge.id]);
          services.view.takeFocus();
        }}
        nodesConnectable={!readOnly}
        nodesFocusable={false}
        edgesFocusable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={['Shift', 'Control', 'Meta']}
        selectionOnDrag
        selectionMode={SelectionMode.Partial}
        panOnDrag={panButtons}
        panOnScroll
        zoomOnScroll={false}
        zoomOnDoubleClick={false}
        minZoom={0.05}
        maxZoom={2}
        snapToGrid
        snapGrid={grid}
        connectionRadius={24}
        nodeDragThreshold={3}
        elevateNodesOnSelect={false}
        onlyRenderVisibleElements
        onInit={() => services.view.fit()}
        proOptions={proOptions}
      >
        {!small && <Background variant={BackgroundVariant.Dots} gap={gridStep} size={1.2} color="var(--grid)" />}
      </ReactFlow>
      {overview && <Overview />}
      <QuickAddBox />
      <Hint />
    </div>
  );
}

/** Hint says why an edge cannot be drawn here; it stays a little after the attempt. */
function Hint() {
  const { editor } = useServices();
  const hint = useEditor((s) => s.hint);
  const connecting = useEditor((s) => s.connecting !== null);
  useEffect(() => {
    if (hint === '' || connecting) return;
    const timer = setTimeout(() => editor.set({ hint: '' }), 4000);
    return () => clearTimeout(timer);
  }, [editor, hint, connecting]);
  return hint && <p className="hint" aria-hidden="true">{hint}</p>; // spoken by the live region
}

const panButtons = [1];
const proOptions = { hideAttribution: true };

function toggled(before: ReadonlySet<string>, changes: readonly { type: string }[]): Set<string> {
  const next = new Set(before);
  for (const change of changes as readonly { id: string; selected: boolean; type: string }[]) {
    if (change.selected) next.add(change.id);
    else next.delete(change.id);
  }
  return next;
}

function refOf(node: string | null, port: string | null, type: 'source' | 'target' | null): PortRef | null {
  return node === null ? null : { node, port: port ?? '', side: type === 'target' ? 'in' : 'out' };
}

const manyCards = 100; // in sight: more of them at once cannot be drawn with every frame

interface Looking {
  transform: readonly [number, number, number];
  width: number;
  height: number;
}

/** isFar says whether so many nodes are seen so small that they are painted instead. */
function isFar({ transform: [tx, ty, zoom], width, height }: Looking, places: readonly Position[]): boolean {
  if (zoom >= 0.4 || places.length <= manyCards) return false;
  let seen = 0;
  for (const at of places) {
    const x = at.x * zoom + tx;
    const y = at.y * zoom + ty;
    if (x > -cardWidth * zoom && y > -cardHeight * zoom && x < width && y < height && ++seen > manyCards) return true;
  }
  return false;
}

/**
 * useOverview says whether the nodes are painted. React Flow hears of that only after it has rendered with the new view,
 * and would mount every node for that once: so they are taken from it at the moment the view changes.
 */
function useOverview(document: Parameters<typeof positions>[0]): boolean {
  const store = useStoreApi();
  const places = useMemo(() => [...positions(document).values()], [document]);
  useLayoutEffect(() => {
    let taken: { nodes: Node[]; edges: Edge[] } | null = null;
    return store.subscribe((s) => {
      const far = isFar(s, places);
      if (far && s.nodes.length > 0) {
        taken = { nodes: s.nodes, edges: s.edges };
        s.setNodes([]); // this is called again within
        s.setEdges([]);
      } else if (!far && taken) { // before anything rendered, perhaps: then nobody else gives them back
        const { nodes, edges } = taken;
        taken = null;
        s.setNodes(nodes);
        s.setEdges(edges);
      }
    });
  }, [store, places]);
  return useStore((s) => isFar(s, places));
}

/** useToolSize tells the style sheet how much the tools are enlarged against the zoom: targets stay 24 px. */
function useToolSize(root: React.RefObject<HTMLDivElement | null>): void {
  const zoom = useStore((s) => s.transform[2]);
  useEffect(() => root.current?.style.setProperty('--tools', String(Math.min(2.5, Math.max(1, 1 / zoom)))), [root, zoom]);
}

/** useGlide draws nodes between two layouts; the answer ends it. Another change of the document ends it, too. */
function useGlide(draw: (places: ReadonlyMap<string, Position>) => void): () => void {
  const { editor, view } = useServices();
  const frame = useRef<number | null>(null);
  const land = useCallback(() => {
    if (frame.current === null) return;
    cancelAnimationFrame(frame.current);
    frame.current = null;
    draw(new Map());
  }, [draw]);
  useEffect(() => {
    view.glide = (before) => {
      land();
      const { document } = editor.state;
      const to = positions(document);
      const from = movers(before, to);
      if (from.size === 0 || reducedMotion()) return;
      let start: number | null = null;
      const step = (now: number) => {
        start ??= now;
        if (now - start >= glideTime || editor.state.document !== document) return land();
        draw(between(from, to, (now - start) / glideTime));
        frame.current = requestAnimationFrame(step);
      };
      draw(from);
      frame.current = requestAnimationFrame(step);
    };
    return land;
  }, [editor, view, draw, land]);
  return land;
}

/** useKeepInSight pans when the settings or the details open over the node that they are about. */
function useKeepInSight(): void {
  const { editor, view } = useServices();
  const panel = useEditor((s) => s.panel?.node ?? null);
  const dock = useEditor((s) => s.dock.open);
  useEffect(() => {
    const { selection } = editor.state;
    const node = panel ?? (selection.size === 1 ? [...selection][0]! : null);
    if (node !== null) view.reveal(node);
  }, [editor, view, panel, dock]);
}

/** seenSize is the part of the canvas that no drawer covers. */
function seenSize(canvas: HTMLElement): { width: number; height: number } {
  const { right, width, height } = canvas.getBoundingClientRect();
  const drawer = canvas.closest('.shell')?.querySelector('.right')?.getBoundingClientRect();
  return { width: width - Math.max(0, right - (drawer?.left ?? right)), height };
}

function reducedMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** useView lets actions move the canvas. */
function useView(root: React.RefObject<HTMLDivElement | null>): void {
  const { editor, view } = useServices();
  const flow = useReactFlow();
  useEffect(() => {
    let first = true; // the first look at the flow is not animated
    const soft = () => {
      const duration = first || reducedMotion() ? 0 : 240;
      first = false;
      return { duration };
    };
    let pointer: Position | undefined;
    const element = root.current!;
    const moved = (event: PointerEvent) => (pointer = { x: event.clientX, y: event.clientY });
    const left = () => (pointer = undefined);
    element.addEventListener('pointermove', moved);
    element.addEventListener('pointerleave', left);
    const bounds = () => element.getBoundingClientRect();
    Object.assign(view, {
      toFlow: (at: Position) => flow.screenToFlowPosition(at, { snapToGrid: false }),
      toClient: (at: Position) => flow.flowToScreenPosition(at),
      toScreen: (at: Position) => {
        const p = flow.flowToScreenPosition(at);
        const box = bounds();
        return { x: p.x - box.x, y: p.y - box.y };
      },
      middle: () => {
        const box = bounds();
        return flow.screenToFlowPosition({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
      },
      pointer: () => pointer && flow.screenToFlowPosition(pointer),
      fit: (ids?: Iterable<string>) => {
        const wanted = ids ? new Set(ids) : null;
        const at = [...positions(editor.state.document)].filter(([id]) => !wanted || wanted.has(id)).map(([, p]) => p);
        if (at.length === 0) return;
        const x = Math.min(...at.map((p) => p.x));
        const y = Math.min(...at.map((p) => p.y));
        const width = Math.max(...at.map((p) => p.x)) + cardWidth - x;
        const height = Math.max(...at.map((p) => p.y)) + cardHeight - y;
        const box = bounds();
        const zoom = Math.max(0.05, Math.min(1, (box.width * 0.85) / width, (box.height * 0.85) / height));
        void flow.setCenter(x + width / 2, y + height / 2, { zoom, ...soft() });
      },
      zoomTo: (zoom: number) => void flow.zoomTo(zoom, soft()),
      zoomBy: (factor: number) => void flow.zoomTo(Math.min(2, Math.max(0.05, flow.getZoom() * factor)), soft()),
      reveal: (id: string) => {
        const at = positions(editor.state.document).get(id);
        if (!at) return;
        const { x, y, zoom } = flow.getViewport();
        const by = panTo({ x: at.x * zoom + x, y: at.y * zoom + y, width: cardWidth * zoom, height: cardHeight * zoom }, seenSize(element));
        if (by.x !== 0 || by.y !== 0) void flow.setViewport({ x: x + by.x, y: y + by.y, zoom }, soft());
      },
      takeFocus: () => element.focus({ preventScroll: true }),
    });
    return () => {
      element.removeEventListener('pointermove', moved);
      element.removeEventListener('pointerleave', left);
    };
  }, [editor, view, flow, root]);
}

import { EdgeLabelRenderer, getBezierPath, type EdgeProps } from '@xyflow/react';
import { Eye, Plus, X } from 'lucide-react';
import { memo, useLayoutEffect, useRef, useState } from 'react';
import { edgeKey, nodeOf, rejectsPort, titleOf } from '../model/document';
import { removeEdge } from '../model/operation';
import { DeliveryMark, useDelivery } from '../panel/Delivery';
import { useEditor, useNodeStatus, useServices } from '../shell/editor';

export const EdgeLine = memo(Line);

function Line(props: EdgeProps) {
  const { id, source, target, sourceHandleId, targetHandleId, selected } = props;
  const [hover, setHover] = useState(false);
  const [path, x, y] = getBezierPath(props);
  const state = useNodeStatus(source)?.state;
  const failed = useNodeStatus(target)?.state === 'failed';
  const rejects = sourceHandleId === rejectsPort;
  const classes = ['edge', selected && 'selected', state === 'running' && 'moving', failed && 'failed', rejects && 'rejects'].filter(Boolean).join(' ');
  return (
    <g className={classes} onPointerEnter={() => setHover(true)} onPointerLeave={() => setHover(false)}>
      <path d={path} className="edge-hit react-flow__edge-interaction" />
      <path d={path} className="edge-path" />
      <Count x={x} y={y} source={source} port={sourceHandleId ?? ''} target={target} targetPort={targetHandleId ?? ''} alone={props.data?.alone === true} />
      {state === 'running' && !rejects && <Queue x={x} y={y} node={source} />}
      <Promised id={id} target={target} x={props.targetX} y={props.targetY} />
      {failed && <text className="edge-mark" x={props.targetX - 16} y={props.targetY + 5} aria-hidden="true">✕</text>}
      {(hover || selected) && <Tools id={id} source={source} x={x} y={y} onHover={setHover} />}
    </g>
  );
}

/** Promised is what is promised for the records that go into an output, at the end of the edge: it belongs to the pair. */
function Promised({ id, target, x, y }: { id: string; target: string; x: number; y: number }) {
  const delivery = useDelivery(target);
  const first = useEditor((s) => s.document.edges.find((e) => e.to.node === target)); // of several into one output
  if (!delivery || !first || edgeKey(first) !== id) return null;
  return (
    <EdgeLabelRenderer>
      <DeliveryMark delivery={delivery} style={{ transform: `translate(-100%, 0) translate(${x - 12}px, ${y + 5}px)` }} />
    </EdgeLabelRenderer>
  );
}

interface CountProps {
  x: number;
  y: number;
  source: string;
  port: string;
  target: string;
  targetPort: string;
  alone: boolean;
}

function Count({ x, y, source, port, target, targetPort, alone }: CountProps) {
  const { live } = useServices();
  const label = useRef<SVGTextElement>(null);
  useLayoutEffect(() => {
    const text = document.createTextNode('');
    label.current!.replaceChildren(text);
    return live.bind({ kind: 'edge', node: source, port, to: target, toPort: targetPort, alone }, text);
  }, [live, source, port, target, targetPort, alone]);
  return <text ref={label} className="edge-count" x={x} y={y - 8} textAnchor="middle" />;
}

const queueWidth = 40;

/** Queue is the bar of an edge that leaves a source: how much waits there. A full one holds the source back. */
function Queue({ x, y, node }: { x: number; y: number; node: string }) {
  const { live } = useServices();
  const bar = useRef<SVGGElement>(null);
  useLayoutEffect(() => {
    const group = bar.current!;
    const fill = group.lastElementChild!;
    return live.bind({ kind: 'queue', node }, {
      get data() { return group.dataset.fill ?? ''; },
      set data(percent) {
        group.dataset.fill = percent;
        group.dataset.level = percent === '' ? '' : Number(percent) > 85 ? 'full' : Number(percent) > 60 ? 'high' : 'low';
        fill.setAttribute('width', String((queueWidth * Number(percent)) / 100));
      },
    });
  }, [live, node]);
  return (
    <g ref={bar} className="edge-queue" aria-hidden="true">
      <rect className="edge-queue-places" x={x - queueWidth / 2} y={y + 5} width={queueWidth} height={4} rx={2} />
      <rect className="edge-queue-taken" x={x - queueWidth / 2} y={y + 5} width={0} height={4} rx={2} />
    </g>
  );
}

function Tools({ id, source, x, y, onHover }: { id: string; source: string; x: number; y: number; onHover: (hover: boolean) => void }) {
  const { editor } = useServices();
  const readOnly = useEditor((s) => s.readOnly);
  const node = nodeOf(editor.state.document, source);
  return (
    <EdgeLabelRenderer>
      <div className="edge-tools nodrag nopan" style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y + 12}px) scale(var(--tools, 1))` }} onPointerEnter={() => onHover(true)} onPointerLeave={() => onHover(false)}>
        {!readOnly && (
          <button type="button" tabIndex={-1} aria-label="Insert a node" title="Insert a node (I)" onClick={() => editor.set({ quickAdd: { edge: id, at: { x, y } } })}>
            <Plus size={14} aria-hidden="true" />
          </button>
        )}
        <button
          type="button"
          tabIndex={-1}
          aria-label={`Preview the records of ${node ? titleOf(node) : source}`}
          title="Preview"
          onClick={() => {
            editor.focusNode(source);
            editor.openDock('preview');
          }}
        >
          <Eye size={14} aria-hidden="true" />
        </button>
        {!readOnly && (
          <button type="button" tabIndex={-1} aria-label="Delete the edge" title="Delete" onClick={() => removeEdge(editor, id)}>
            <X size={14} aria-hidden="true" />
          </button>
        )}
      </div>
    </EdgeLabelRenderer>
  );
}

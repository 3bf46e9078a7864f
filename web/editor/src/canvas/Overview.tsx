import { useStoreApi } from '@xyflow/react';
import { useEffect, useRef } from 'react';
import { typeOf, type FlowDocument, type Position } from '../model/document';
import { useServices } from '../shell/editor';
import { positions } from './tidy';
import { cardHeight, cardWidth } from './view';

/**
 * Overview paints many small nodes on one canvas instead of a thousand elements. The outline is its readable form. It
 * takes no events: those are the pane's, which pans and zooms.
 */
export function Overview() {
  const { editor, live } = useServices();
  const store = useStoreApi();
  const element = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let frame: number | null = null;
    const paint = () => {
      frame = null;
      if (element.current) draw(element.current, store.getState().transform, editor.state, (id) => live.state(id));
    };
    const soon = () => (frame ??= requestAnimationFrame(paint));
    const offs = [editor.subscribe(soon), live.onAny(soon), store.subscribe(soon)];
    const sized = new ResizeObserver(soon);
    sized.observe(element.current!);
    soon();
    return () => {
      offs.forEach((off) => off());
      sized.disconnect();
      if (frame !== null) cancelAnimationFrame(frame);
    };
  }, [editor, live, store]);
  return <canvas ref={element} className="overview" aria-hidden="true" />;
}

/** nodeAt finds the node that is painted at a point of the flow. */
export function nodeAt(document: FlowDocument, at: Position): string | undefined {
  for (const [id, p] of positions(document)) if (at.x >= p.x && at.x <= p.x + cardWidth && at.y >= p.y && at.y <= p.y + cardHeight) return id;
  return undefined;
}

type State = ReturnType<typeof useServices>['editor']['state'];

const stateTokens: Record<string, string> = { running: '--state-running-fg', done: '--state-succeeded-fg', failed: '--state-failed-fg' };

function draw(canvas: HTMLCanvasElement, [tx, ty, zoom]: readonly [number, number, number], state: State, stateOf: (id: string) => string | undefined): void {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== width * ratio || canvas.height !== height * ratio) {
    canvas.width = width * ratio;
    canvas.height = height * ratio;
  }
  const paint = canvas.getContext('2d');
  if (!paint) return;
  const style = getComputedStyle(canvas);
  const colours = new Map<string, string>();
  const colour = (name: string) => {
    let value = colours.get(name);
    if (value === undefined) colours.set(name, (value = style.getPropertyValue(name).trim() || 'gray'));
    return value;
  };
  paint.setTransform(ratio, 0, 0, ratio, 0, 0);
  paint.clearRect(0, 0, width, height);
  const at = positions(state.document);
  paint.strokeStyle = colour('--border-strong');
  paint.lineWidth = Math.max(0.5, 1.5 * zoom);
  paint.beginPath();
  for (const edge of state.document.edges) {
    const a = at.get(edge.from.node);
    const b = at.get(edge.to.node);
    if (!a || !b) continue;
    const from = screen({ x: a.x + cardWidth, y: a.y + cardHeight / 2 });
    const to = screen({ x: b.x, y: b.y + cardHeight / 2 });
    if (Math.max(from.x, to.x) < 0 || Math.min(from.x, to.x) > width) continue;
    paint.moveTo(from.x, from.y);
    paint.lineTo(to.x, to.y);
  }
  paint.stroke();
  for (const node of state.document.nodes) {
    const p = screen(at.get(node.id)!);
    const w = cardWidth * zoom;
    const h = cardHeight * zoom;
    if (p.x + w < 0 || p.y + h < 0 || p.x > width || p.y > height) continue;
    paint.fillStyle = colour('--surface');
    paint.fillRect(p.x, p.y, w, h);
    paint.fillStyle = colour(`--cat-${typeOf(state.catalogue, node.type)?.category ?? 'control'}`);
    paint.fillRect(p.x, p.y, Math.max(2, 20 * zoom), h);
    const look = stateTokens[stateOf(node.id) ?? ''];
    paint.strokeStyle = colour(state.selection.has(node.id) ? '--accent' : (look ?? '--border-strong'));
    paint.lineWidth = state.selection.has(node.id) || look ? 2 : 1;
    paint.strokeRect(p.x, p.y, w, h);
  }

  function screen(p: Position): Position {
    return { x: p.x * zoom + tx, y: p.y * zoom + ty };
  }
}

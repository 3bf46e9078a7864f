import { useRef, type KeyboardEvent } from 'react';
import { cardOf, merged, problemsOf, stateOf } from '../canvas/card';
import { LiveText } from '../canvas/LiveText';
import { TypeIcon } from '../canvas/Icon';
import { layersOf, positions } from '../canvas/tidy';
import { can, perform, type Action } from '../action';
import { actionFor } from '../action';
import { titleOf, typeOf, type FlowDocument } from '../model/document';
import { useEditor, useRunStates, useServices } from './editor';
import { StateBadge } from '../canvas/StateBadge';

/** Outline is the flow as a list, in the order of the records: the canvas for those who do not see it. */
export function Outline() {
  const services = useServices();
  const { editor, live, view } = services;
  const doc = useEditor((s) => s.document);
  const catalogue = useEditor((s) => s.catalogue);
  const problems = useEditor((s) => s.check.problems);
  const previewed = useEditor((s) => s.previewed);
  const selection = useEditor((s) => s.selection);
  const focus = useEditor((s) => s.focus);
  const run = useEditor((s) => s.run?.state);
  const sample = useEditor((s) => s.run?.trigger === 'sample');
  const pins = useEditor((s) => s.pins);
  useRunStates();
  const list = useRef<HTMLUListElement>(null);
  const order = inOrder(doc);
  const stop = focus !== null && order.some(({ node }) => node.id === focus) ? focus : order[0]?.node.id;
  const keys = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : event.key === 'Home' ? -order.length : event.key === 'End' ? order.length : 0;
    if (step !== 0) {
      event.preventDefault();
      const at = order.findIndex(({ node }) => node.id === focus);
      const next = order[Math.min(order.length - 1, Math.max(0, at + step))];
      if (!next) return;
      editor.focusNode(next.node.id);
      view.reveal(next.node.id);
      list.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(next.node.id)}"]`)?.focus();
      return;
    }
    const action: Action | undefined = actionFor(event, 'canvas');
    if (!action || action.id.startsWith('walk') || !can(action, services)) return;
    event.preventDefault();
    event.stopPropagation();
    perform(action, services);
  };
  if (order.length === 0) return <p className="pad faint">The flow has no nodes yet.</p>;
  return (
    <ul ref={list} className="outline" role="tree" aria-label="Outline of the flow" onKeyDown={keys}>
      {order.map(({ node, layer }) => {
        const card = cardOf(doc, catalogue, node, merged(problemsOf(problems, node.id), problemsOf(previewed, node.id)));
        const state = stateOf(card, live.status(node.id), run === 'queued' || run === 'running', sample);
        const names = (ids: string[]) => [...new Set(ids)].map((id) => titleOf(doc.nodes.find((n) => n.id === id) ?? { id, type: '', version: 1 })).join(', ');
        const from = names(doc.edges.filter((e) => e.to.node === node.id).map((e) => e.from.node));
        const to = names(doc.edges.filter((e) => e.from.node === node.id).map((e) => e.to.node));
        return (
          <li
            key={node.id}
            role="treeitem"
            data-node={node.id}
            aria-level={layer + 1}
            aria-selected={selection.has(node.id)}
            aria-label={[card.title, card.typeTitle, state.word, pins.some((p) => p.node === node.id) && 'Pinned', live.spoken(node.id), from && `reads ${from}`, to && `leads to ${to}`, card.error].filter(Boolean).join(', ')}
            tabIndex={node.id === stop ? 0 : -1}
            onFocus={() => focus !== node.id && editor.focusNode(node.id)}
            onClick={() => {
              editor.focusNode(node.id);
              view.reveal(node.id);
            }}
            onDoubleClick={() => editor.openNode(node.id)}
          >
            <TypeIcon type={typeOf(catalogue, node.type)} />
            <span className="outline-text">
              <span>{card.title}</span>
              <span className="faint small">{card.error || (to ? `→ ${to}` : card.typeTitle)}</span>
              <LiveText show={{ kind: 'node', node: node.id }} className="small outline-count" />
            </span>
            <StateBadge {...state} />
          </li>
        );
      })}
    </ul>
  );
}

function inOrder(doc: FlowDocument) {
  const layers = layersOf(doc);
  const at = positions(doc);
  return doc.nodes.map((node) => ({ node, layer: layers.get(node.id) ?? 0 })).sort((a, b) => a.layer - b.layer || at.get(a.node.id)!.y - at.get(b.node.id)!.y);
}

import { useEffect, useId, useMemo, useRef, useState } from 'react';
import type { NodeType } from '../api/types';
import { fits, typeFits, endsOf } from '../model/connect';
import { titleOf, typeOf, inputsOf, outputsOf, rejectsPort } from '../model/document';
import type { EditorState, QuickAdd } from '../model/editor';
import { addAfter, addNode, connect } from '../model/operation';
import { useEditor, useServices } from '../shell/editor';
import { TypeIcon } from './Icon';
import { remember } from './recent';
import { searchTypes } from './search';
import { cardHeight, cardWidth } from './view';

interface Choice {
  id: string;
  title: string;
  detail: string;
  type: NodeType | undefined;
  reason: string | null; // why it cannot be chosen
  choose: () => void;
}

/** QuickAddBox offers what can follow: from the keyboard, from an edge dropped on the canvas, or on an edge. */
export function QuickAddBox() {
  const quick = useEditor((s) => s.quickAdd);
  return quick && <Box key={`${quick.at.x},${quick.at.y}`} quick={quick} />;
}

function Box({ quick }: { quick: QuickAdd }) {
  const services = useServices();
  const { editor, view } = services;
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const list = useId();
  const field = useRef<HTMLInputElement>(null);
  const choices = useMemo(() => choicesOf(editor.state, quick, query, close), [editor, quick, query]);
  const box = useRef<HTMLDivElement>(null);
  const [spot, setSpot] = useState(() => view.toScreen(quick.at));
  useEffect(() => {
    const parent = box.current?.offsetParent;
    if (parent && box.current) {
      const { width, height } = box.current.getBoundingClientRect();
      setSpot((s) => ({ x: Math.max(8, Math.min(s.x, parent.clientWidth - width - 8)), y: Math.max(8, Math.min(s.y, parent.clientHeight - height - 8)) }));
    }
    field.current?.focus();
  }, []);

  function close() {
    editor.set({ quickAdd: null });
    view.takeFocus();
  }

  function choicesOf(state: EditorState, q: QuickAdd, text: string, done: () => void): Choice[] {
    const after = (act: () => void) => () => {
      done();
      act();
    };
    if (q.connectOnly && q.from) return existing(state, q, text, (act) => after(act));
    const found = searchTypes(state.catalogue.nodes, text).map(({ type, match }): Choice => ({
      id: type.id, title: type.title, detail: match || type.summary, type, reason: reasonOf(type, q),
      choose: after(() => {
        remember(type.id);
        const id = addThere(type, q);
        if (id) view.reveal(id);
      }),
    }));
    return [...found.filter((c) => c.reason === null), ...found.filter((c) => c.reason !== null)];
  }

  function addThere(type: NodeType, q: QuickAdd): string | null {
    const top = q.at.y - cardHeight / 2;
    if (q.edge) return addNode(editor, type, { at: { x: q.at.x - cardWidth / 2, y: top }, edge: q.edge });
    if (!q.from) return addAfter(editor, type, q.at);
    return addNode(editor, type, q.drop ? { from: q.from, at: { x: q.at.x - (q.from.side === 'in' ? cardWidth : 0), y: top } } : { from: q.from });
  }

  function existing(state: EditorState, q: QuickAdd, text: string, after: (act: () => void) => () => void): Choice[] {
    const wanted = text.trim().toLowerCase();
    return state.document.nodes.filter((node) => node.id !== q.from!.node && titleOf(node).toLowerCase().includes(wanted)).map((node): Choice => {
      const fit = fits(state.document, state.catalogue, q.from!, node.id);
      const type = typeOf(state.catalogue, node.type);
      return {
        id: node.id, title: titleOf(node), detail: 'port' in fit ? `port ${fit.port}` : '', type, reason: 'reason' in fit ? fit.reason : null,
        choose: after(() => {
          if (!('port' in fit)) return;
          const ends = endsOf(q.from!, { node: node.id, port: fit.port, side: q.from!.side === 'out' ? 'in' : 'out' })!;
          connect(editor, ends.from, ends.to);
        }),
      };
    }).sort((a, b) => Number(a.reason !== null) - Number(b.reason !== null));
  }

  const pick = Math.min(at, choices.length - 1);
  const label = quick.connectOnly ? 'Connect to' : quick.edge ? 'Insert a node' : quick.from?.side === 'in' ? 'Add a node before' : quick.from ? 'Add a node after' : 'Add a node';
  return (
    <div
      ref={box}
      className="quick"
      style={{ left: spot.x, top: spot.y }}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) editor.set({ quickAdd: null });
      }}
    >
      <input
        ref={field}
        role="combobox"
        aria-label={label}
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={choices[pick] && `${list}-${pick}`}
        placeholder={`${label} …`}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
          if (step !== 0) {
            event.preventDefault();
            setAt((pick + step + choices.length) % Math.max(1, choices.length));
          } else if (event.key === 'Enter') {
            event.preventDefault();
            const choice = choices[pick];
            if (choice?.reason) editor.announce(choice.reason);
            else choice?.choose();
          } else if (event.key === 'Escape') {
            event.preventDefault();
            close();
          }
        }}
      />
      <ul id={list} role="listbox" aria-label={label}>
        {choices.map((choice, i) => (
          <li
            key={choice.id}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === pick}
            aria-disabled={choice.reason !== null}
            ref={i === pick ? (element) => element?.scrollIntoView({ block: 'nearest' }) : undefined}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => choice.reason === null && choice.choose()}
          >
            <TypeIcon type={choice.type} />
            <span className="quick-title">{choice.title}</span>
            <span className="quick-detail">{choice.reason ?? choice.detail}</span>
          </li>
        ))}
        {choices.length === 0 && <li role="option" aria-selected="false" aria-disabled="true" className="quick-none">Nothing is called that.</li>}
      </ul>
    </div>
  );
}

function reasonOf(type: NodeType, quick: QuickAdd): string | null {
  if (quick.edge) return inputsOf(type).length > 0 && outputsOf(type).some((p) => p.name !== rejectsPort) ? null : 'It cannot stand between two nodes.';
  return quick.from ? typeFits(type, quick.from) : null;
}

import { Handle, Position as Side, type NodeProps } from '@xyflow/react';
import { Ban, CirclePlay, Ellipsis, Hourglass, Pin, Table2 } from 'lucide-react';
import { memo, useEffect, useRef, useState, type MouseEvent } from 'react';
import { disable, menu, offered, perform, preview, runUntil, type Action } from '../action';
import { endsOf, whyNot } from '../model/connect';
import { sentence } from '../form/problem';
import { nodeOf, typeOf } from '../model/document';
import type { EditorState, PortRef } from '../model/editor';
import { rename } from '../model/operation';
import { shallow, useEditor, useNodeStatus, useServices } from '../shell/editor';
import { cardOf, merged, problemsOf, stateOf, type Card } from './card';
import { spotsOf, type PortSpot } from './geometry';
import { TypeIcon } from './Icon';
import { LiveText } from './LiveText';
import { said, useDelivery } from '../panel/Delivery';
import { pinLook } from '../panel/pin';
import { Progress } from './Progress';
import { StateBadge } from './StateBadge';

/** NodeCard renders when its node, its problems or its state change; never for counts or positions. */
export const NodeCard = memo(CardView, (a, b) => a.id === b.id && a.selected === b.selected && a.dragging === b.dragging);

interface Seen extends Card {
  looseKey: string;
}

const cards = new WeakMap<object, { doc: unknown; problems: unknown; previewed: unknown; card: Seen }>();

/** seen keeps the card of a node while what it is made of is the same. */
function seen(state: EditorState, id: string): Seen | null {
  const node = nodeOf(state.document, id);
  if (!node) return null;
  const last = cards.get(node);
  const problems = problemsOf(state.check.problems, id);
  const previewed = problemsOf(state.previewed, id);
  if (last?.doc === state.document.edges && last.problems === problems && last.previewed === previewed) return last.card;
  const made = cardOf(state.document, state.catalogue, node, merged(problems, previewed));
  const card = { ...made, looseKey: made.loose.join(' ') };
  cards.set(node, { doc: state.document.edges, problems, previewed, card });
  return card;
}

const sameCard = (a: Seen | null, b: Seen | null) => a === b || (a !== null && b !== null && shallow({ ...a, loose: null }, { ...b, loose: null }));

function CardView({ id, selected, dragging }: NodeProps) {
  const services = useServices();
  const card = useEditor((s) => seen(s, id), sameCard);
  const type = useEditor((s) => typeOf(s.catalogue, nodeOf(s.document, id)?.type ?? ''));
  const focused = useEditor((s) => s.focus === id);
  const renaming = useEditor((s) => s.renaming === id);
  const queued = useEditor((s) => s.run?.state === 'queued' || s.run?.state === 'running');
  const skipped = useEditor((s) => s.check.skipped[id]);
  const status = useNodeStatus(id);
  const sample = useEditor((s) => s.run?.trigger === 'sample');
  const delivery = useDelivery(id);
  const pinned = pinWords[useEditor((s) => pinLook(s, id))];
  const [near, setNear] = useState(false);
  if (!card) return null;
  const state = stateOf(card, status, queued, sample);
  const wrong = status?.reason ?? card.error;
  const line = wrong ? sentence(wrong) : card.summary || (card.disabled ? 'Records pass without it' : (skipped ?? hint(card)));
  const bad = state.look === 'failed' && (card.error !== '' || status?.reason !== undefined);
  const classes = ['node-card', `look-${state.look}`, !card.configured && 'unset', selected && 'selected', focused && 'focused', dragging && 'dragging', card.disabled && 'disabled'];
  const counts = services.live.spoken(id);
  return (
    <div
      id={`card-${id}`}
      className={classes.filter(Boolean).join(' ')}
      role="group"
      aria-roledescription="node"
      aria-label={[card.title, card.typeTitle, state.word, pinned, counts, line, said(delivery)].filter(Boolean).join(', ')}
      onPointerEnter={(event) => {
        event.currentTarget.title = services.live.spoken(id);
        setNear(true);
      }}
      onPointerLeave={() => setNear(false)}
      onDoubleClick={() => services.editor.openNode(id)}
    >
      <div className="card-head">
        <TypeIcon type={type} />
        {renaming ? <NameField id={id} value={card.title} /> : <span className="card-title">{card.title}</span>}
        {status?.activity?.bottleneck && <span className="badge bottleneck" title="The other nodes wait for this one"><Hourglass size={12} strokeWidth={2.5} aria-hidden="true" />Bottleneck</span>}
        {pinned && <span className={pinned === 'Pinned' ? 'badge state-running pinned' : 'badge state-warning pinned'} title={`${pinned}: previews begin at its records, runs never do`}><Pin size={12} aria-hidden="true" />Pinned{pinned !== 'Pinned' && ' ▲'}</span>}
      </div>
      <div className={bad ? 'card-line bad' : 'card-line'} title={line}>{line}</div>
      <div className="card-foot">
        <span className="card-count">
          <LiveText show={{ kind: 'node', node: id }} />
          <LiveText show={{ kind: 'rate', node: id }} className="rate" />
        </span>
        <StateBadge {...state} />
      </div>
      {state.look === 'running' && <Progress node={id} />}
      <Ports id={id} looseKey={card.looseKey} />
      {(near || (selected && focused)) && <Toolbar id={id} />}
    </div>
  );
}

const pinWords = { '': '', pinned: 'Pinned', changed: 'Pinned with other fields' } as const;

function hint(card: Card): string {
  if (card.loose.length > 0) return 'Connect its input';
  return card.configured ? card.typeTitle : 'Press Enter to set it up';
}

function NameField({ id, value }: { id: string; value: string }) {
  const { editor, view } = useServices();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  const end = (name?: string) => {
    if (editor.state.renaming !== id) return;
    if (name !== undefined) rename(editor, id, name);
    editor.set({ renaming: null });
    view.takeFocus();
  };
  return (
    <input
      ref={field}
      className="card-name nodrag"
      aria-label="Name of the node"
      defaultValue={value}
      autoFocus
      maxLength={200}
      onBlur={(event) => end(event.target.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === 'Enter') end(event.currentTarget.value);
        if (event.key === 'Escape') end();
      }}
    />
  );
}

const tools: readonly { action: Action; Icon: typeof Ban }[] = [
  { action: runUntil, Icon: CirclePlay }, { action: preview, Icon: Table2 }, { action: disable, Icon: Ban },
];

function Toolbar({ id }: { id: string }) {
  const services = useServices();
  const { editor } = services;
  useEditor((s) => s.readOnly);
  const open = useEditor((s) => s.menu?.node === id);
  const act = (event: MouseEvent<HTMLElement>, then: () => void) => {
    event.stopPropagation();
    editor.focusNode(id);
    then();
  };
  return (
    <div className={open ? 'card-tools nodrag open' : 'card-tools nodrag'} onDoubleClick={(event) => event.stopPropagation()}>
      {tools.filter(({ action }) => offered(action, services)).map(({ action, Icon }) => (
        <button key={action.id} type="button" tabIndex={-1} title={`${action.name} (${action.keys[0]})`} aria-label={action.name} onClick={(event) => act(event, () => perform(action, services))}>
          <Icon size={14} aria-hidden="true" />
        </button>
      ))}
      <button
        type="button" tabIndex={-1} title={`${menu.name} (${menu.keys[0]})`} aria-label={menu.name} aria-haspopup="menu" aria-expanded={open}
        onClick={(event) => {
          const { left, bottom } = event.currentTarget.getBoundingClientRect();
          act(event, () => editor.set({ menu: { node: id, at: { x: left, y: bottom + 4 } } }));
        }}
      >
        <Ellipsis size={14} aria-hidden="true" />
      </button>
    </div>
  );
}

function Ports({ id, looseKey }: { id: string; looseKey: string }) {
  const spots = useEditor((s) => {
    const node = nodeOf(s.document, id);
    return node ? spotsOf(s.document, node, s.catalogue) : [];
  }, sameSpots);
  const loose = looseKey.split(' ');
  return spots.map((spot) => <PortView key={spot.side + spot.port.name} id={id} spot={spot} loose={spot.side === 'in' && loose.includes(spot.port.name)} />);
}

function sameSpots(a: PortSpot[], b: PortSpot[]): boolean {
  return a.length === b.length && a.every((spot, i) => spot.port.name === b[i]!.port.name && spot.side === b[i]!.side && spot.y === b[i]!.y);
}

function PortView({ id, spot, loose }: { id: string; spot: PortSpot; loose: boolean }) {
  const why = useEditor((s) => (s.connecting ? fit(s, s.connecting, { node: id, port: spot.port.name, side: spot.side }) : undefined));
  const { editor } = useServices();
  const out = spot.side === 'out';
  const look = why === undefined ? '' : why === null ? ' fits' : ' dim';
  return (
    <Handle
      id={spot.port.name}
      type={out ? 'source' : 'target'}
      position={spot.bottom ? Side.Bottom : out ? Side.Right : Side.Left}
      className={`port${loose ? ' loose' : ''}${spot.bottom ? ' rejects' : ''}${look}`}
      style={spot.bottom ? { left: spot.x } : { top: spot.y }}
      title={why ?? (loose ? `${spot.port.title}: needs to be connected` : spot.port.title)}
      tabIndex={-1}
      onPointerEnter={() => why && editor.set({ hint: why })}
      onPointerLeave={() => editor.state.hint && editor.set({ hint: '' })}
    />
  );
}

function fit(state: EditorState, from: PortRef, to: PortRef): string | null {
  if (from.node === to.node && from.port === to.port && from.side === to.side) return null;
  const ends = endsOf(from, to);
  if (!ends) return from.side === 'out' ? 'An output leads to an input.' : 'An input takes an output.';
  return whyNot(state.document, state.catalogue, ends.from, ends.to);
}

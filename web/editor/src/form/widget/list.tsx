import { useRef, useState, type DragEvent, type KeyboardEvent, type ReactNode } from 'react';
import { FormField, type WidgetProps, Problems } from '../Field';
import { put, valueAt } from '../path';
import { problemsAt, problemsWithin } from '../problem';
import { emptyOf, membersOf, shown, type Member } from '../schema';
import { useForm } from '../scope';

/** moved puts an item elsewhere in a list. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const next = [...list];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}

/** ListWidget edits a list of objects: add, remove, and put in order with the pointer or with Alt and the arrow keys. */
export function ListWidget({ member, value, id }: WidgetProps): ReactNode {
  const form = useForm();
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  const list = useRef<HTMLOListElement>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const write = (label: string, next: unknown[]) => form.edit(label, (config) => put(config, member.path, next));
  const move = (from: number, to: number) => {
    if (to < 0 || to >= items.length || to === from) return;
    write(`Move in ${member.title}`, moved(items, from, to));
    queueMicrotask(() => list.current?.querySelectorAll<HTMLElement>(':scope > li > .form-item-bar > .form-grip')[to]?.focus());
  };
  const add = () => {
    write(`Add to ${member.title}`, [...items, emptyOf(member.schema.items)]);
    queueMicrotask(() => list.current?.querySelector<HTMLElement>(':scope > li:last-child input, :scope > li:last-child select')?.focus());
  };
  return (
    <div className="form-list" data-widget={member.widget} id={id}>
      <ol ref={list}>
        {items.map((_, i) => (
          <Item key={i} list={member} index={i} count={items.length} dragged={dragged} setDragged={setDragged} onMove={move}
            onRemove={() => write(`Remove from ${member.title}`, items.toSpliced(i, 1))} />
        ))}
      </ol>
      {!form.readOnly && <button type="button" className="form-button" onClick={add}>Add {nounOf(member)}</button>}
    </div>
  );
}

function nounOf(member: Member): string {
  const nouns: Record<string, string> = { keys: 'a pair', sortkeys: 'a field', aggregates: 'an aggregate', cases: 'a case', values: 'a value' };
  return nouns[member.widget] ?? (/fields$/i.test(member.title) ? 'a field' : 'an entry');
}

interface ItemProps {
  list: Member;
  index: number;
  count: number;
  dragged: number | null;
  setDragged(index: number | null): void;
  onMove(from: number, to: number): void;
  onRemove(): void;
}

function Item({ list, index, count, dragged, setDragged, onMove, onRemove }: ItemProps): ReactNode {
  const { readOnly, config, problems } = useForm();
  const path = `${list.path}[${index}]`;
  const all = membersOf(list.schema.items ?? {}, path);
  const members = all.filter((m) => shown(m, all, config));
  const folded = members.filter((m) => isFolded(m, members));
  const set = folded.some((m) => valueAt(config, m.path) !== undefined || problemsWithin(problems, m.path).length > 0);
  const [over, setOver] = useState(false);
  const key = (e: KeyboardEvent) => {
    if (!/^Arrow(Up|Down)$/.test(e.key)) return;
    e.preventDefault();
    onMove(index, index + (e.key === 'ArrowUp' ? -1 : 1));
  };
  const drop = (e: DragEvent) => {
    e.preventDefault();
    setOver(false);
    if (dragged !== null) onMove(dragged, index);
    setDragged(null);
  };
  return (
    <li className="form-item" data-path={path} data-over={over || undefined} onDragOver={(e) => {
      if (dragged === null) return;
      e.preventDefault();
      setOver(true);
    }} onDragLeave={() => setOver(false)} onDrop={drop}>
      <div className="form-item-bar">
        {!readOnly && (
          <button type="button" className="form-grip" draggable aria-label={`${list.title} ${index + 1} of ${count}: move with the arrow keys`} title="Drag, or press ↑ and ↓, to move"
            onKeyDown={key} onDragStart={(e) => {
              e.dataTransfer.effectAllowed = 'move';
              e.dataTransfer.setData('text/plain', String(index));
              setDragged(index);
            }} onDragEnd={() => setDragged(null)}>⠿</button>
        )}
        <span className="form-item-number" aria-hidden="true">{index + 1}</span>
        {!readOnly && <button type="button" className="form-icon" aria-label={`Remove ${list.title} ${index + 1}`} onClick={onRemove}>×</button>}
      </div>
      <div className="form-item-fields">
        {members.filter((m) => !folded.includes(m)).map((m) => <FormField key={m.path} member={m} bare />)}
        {folded.length > 0 && (
          <details className="form-more" open={set || undefined}>
            <summary>More</summary>
            {folded.map((m) => <FormField key={m.path} member={m} />)}
          </details>
        )}
        <Problems problems={problemsAt(problems, path)} />
      </div>
    </li>
  );
}

/** isFolded keeps items short: what need not be filled in is folded away once there are more than three members, unless
 * it belongs to what is chosen in another one, or is a choice itself. */
function isFolded(member: Member, members: readonly Member[]): boolean {
  return member.advanced || (members.length > 3 && !member.required && !member.showIf && !member.schema.enum);
}

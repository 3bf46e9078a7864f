import { useState, type ReactNode } from 'react';
import type { Cursor, CursorWindow, FlowCursor } from '../api/types';
import { sentence } from '../form/problem';
import { exact } from '../live/number';
import type { FlowNode } from '../model/document';
import { useRunStates, useServices, useEditor } from '../shell/editor';
import { reasonOf } from '../shell/session';
import { useLoaded } from './use';

/** An asked step: what would be read is shown before anything is moved. */
interface Asked {
  cursor: Cursor;
  window: CursorWindow | null; // null: not counted yet
  reason: string;
}

/** CursorField shows how far an incremental source was read, and moves it: after what that would do was shown. */
export function CursorField({ node }: { node: FlowNode }): ReactNode {
  const { client, editor, session, live } = useServices();
  const readOnly = useEditor((s) => s.readOnly);
  useRunStates();
  const environment = useEditor((s) => s.environment);
  const done = live.status(node.id)?.state === 'done';
  const { value, reason, again } = useLoaded(`cursor ${session.flow} ${environment} ${node.id} ${done}`, (signal) => (session.flow ? client.cursors(session.flow, environment, signal) : Promise.resolve({ items: [] })));
  const [asked, setAsked] = useState<Asked | null>(null);
  const [text, setText] = useState('');
  const column = String(node.config?.['cursor'] ?? '');
  const now = value?.items.find((c) => c.node === node.id);
  if (!session.flow || column === '') return null;
  const ask = async (cursor: Cursor) => {
    setAsked({ cursor, window: null, reason: '' });
    try {
      const window = await client.cursorWindow({ document: editor.state.document, ...(environment ? { environment } : {}), node: node.id, ...(cursor.value ? { cursor } : {}) });
      setAsked({ cursor, window, reason: '' });
    } catch (error) {
      setAsked({ cursor, window: null, reason: reasonOf(error) });
    }
  };
  const move = async () => {
    if (!asked) return;
    try {
      await session.save(); // the server asks the database about the draft
      await client.setCursor(session.flow, environment, node.id, { column, value: asked.cursor.value ?? '' });
      setAsked(null);
      setText('');
      again();
    } catch (error) {
      setAsked({ ...asked, reason: reasonOf(error) });
    }
  };
  return (
    <div className="form-field cursor-field" role="group" aria-label="Cursor of the flow">
      <span className="form-label">Read so far</span>
      <p className="cursor-now">{reason ? sentence(reason) : reached(now)}</p>
      {!readOnly && (
        <>
          <div className="form-path">
            <input className="form-input" aria-label={`Value of ${column}`} value={text} spellCheck={false} placeholder={now?.value || 'a value of the cursor'} onChange={(e) => setText(e.target.value)}
              onKeyDown={(e) => e.key === 'Enter' && text.trim() !== '' && void ask({ column, value: text.trim() })} />
            <button type="button" className="form-button" disabled={text.trim() === ''} onClick={() => void ask({ column, value: text.trim() })}>Set cursor…</button>
          </div>
          <div className="cursor-steps">
            <button type="button" className="form-button" onClick={() => void ask(now ? { column: now.column, value: now.value ?? '' } : { column })}>What is new?</button>
            <button type="button" className="form-button" onClick={() => void ask({ column })}>Read everything again…</button>
          </div>
        </>
      )}
      <div role="status">{asked && <Step asked={asked} now={now} onMove={() => void move()} onCancel={() => setAsked(null)} />}</div>
    </div>
  );
}

function Step({ asked, now, onMove, onCancel }: { asked: Asked; now: FlowCursor | undefined; onMove(): void; onCancel(): void }): ReactNode {
  if (asked.reason) return <p className="form-problem" data-severity="error"><span aria-hidden="true">✕</span><span>{sentence(asked.reason)}</span></p>;
  if (!asked.window) return <p className="faint">Counting…</p>;
  const stays = (asked.cursor.value ?? '') === (now?.value ?? '');
  return (
    <div className="cursor-step">
      <p>{would(asked.window)}</p>
      {!stays && <p>The cursor moves{now?.value ? ` from ${now.value}` : ''} to {asked.cursor.value || 'the beginning'}. An output that appends gets these records again.</p>}
      <div className="cursor-steps">
        {!stays && <button type="button" className="form-button primary" onClick={onMove}>Move the cursor</button>}
        <button type="button" className="form-button" onClick={onCancel}>{stays ? 'Close' : 'Leave it'}</button>
      </div>
    </div>
  );
}

function reached(cursor: FlowCursor | undefined): string {
  if (!cursor) return 'Nothing yet: the first run reads from the beginning.';
  const at = new Date(cursor.updatedAt).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
  if (!cursor.value) return `Set to the beginning by ${cursor.updatedBy}, ${at}.`;
  return `Up to ${cursor.value} of ${cursor.column}, ${cursor.run ? 'reached by a run' : `set by ${cursor.updatedBy}`}, ${at}.`;
}

function would({ records, from, to, nulls }: CursorWindow): string {
  const range = [from && `after ${from}`, to && `up to ${to}`].filter(Boolean).join(', ');
  const text = `The next run would read ${exact(records)} ${records === 1 ? 'record' : 'records'}${range ? `: ${range}` : ''}.`;
  return nulls ? `${text} ${exact(nulls)} without a cursor are never read.` : text;
}

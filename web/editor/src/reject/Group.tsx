import { useEffect, useState, type ReactNode } from 'react';
import type { Client, RejectQuery } from '../api/client';
import type { RejectGroup, RejectSelection, RejectState, StoredReject } from '../api/types';
import { sentence } from '../form/problem';
import { exact } from '../live/number';
import { placeOf } from '../panel/RejectTable';
import { reasonOf } from '../shell/session';
import { DiscardDialog } from './DiscardDialog';
import { moment } from './Inbox';
import { addressOf } from './place';
import { partsOf } from './record';
import { ReplayDialog, type Titles } from './ReplayDialog';

interface Props {
  client: Client;
  place: RejectQuery;
  group: RejectGroup | undefined; // undefined while it is read, and when it is empty
  titles: Titles;
  onBack(): void;
  onChanged(): void; // something was discarded or replayed
}

const pageSize = 100;

/** Group lists the records of a group, and what can be done about them. */
export function Group({ client, place, group, titles, onBack, onChanged }: Props): ReactNode {
  const { items, next, reason, loading, more, again } = useRecords(client, place);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [dialog, setDialog] = useState<'discard' | 'replay' | 'reopen' | null>(null);
  const open = !place.state;
  const doubtful = place.state === 'replaying'; // a replay that is over without success may have left them
  const all = chosen.size === 0;
  const count = all ? (group?.count ?? items.length) : chosen.size;
  const selection: RejectSelection = all ? selectionOf(place) : { ids: [...chosen] };
  const toggle = (id: string) => setChosen((now) => {
    const then = new Set(now);
    if (!then.delete(id)) then.add(id);
    return then;
  });
  const every = items.length > 0 && items.every((r) => chosen.has(r.id));
  const done = () => {
    setDialog(null);
    setChosen(new Set());
    again();
    onChanged();
  };
  const last = items[0];
  return (
    <>
      <div className="reject-head">
        <button type="button" className="button quiet" onClick={onBack}>← All groups</button>
        <h2>{last ? sentence(last.reason) : place.code}</h2>
        <p className="faint"><a href={`/flows/${place.flow}`}>{group?.flowName || last?.flowName || 'The flow'}</a> · {titles[place.node!] ?? place.node}{place.field && <> · <code>{place.field}</code></>} · {place.code}</p>
      </div>
      <div className="reject-bar" role="toolbar" aria-label="What to do">
        {open && <button type="button" className="button primary" disabled={count === 0} onClick={() => setDialog('replay')}>Replay {what(count, all)}…</button>}
        {doubtful && <button type="button" className="button" disabled={count === 0} onClick={() => setDialog('reopen')}>Open {what(count, all)} again…</button>}
        {(open || doubtful) && <button type="button" className="button" disabled={count === 0} onClick={() => setDialog('discard')}>Discard {what(count, all)}…</button>}
        <span className="reject-download">Download <a href={downloadAddress(place, chosen, 'ndjson')} download>NDJSON</a> <a href={downloadAddress(place, chosen, 'csv')} download>CSV</a></span>
        <span className="faint" role="status">{chosen.size > 0 ? `${exact(chosen.size)} chosen` : ''}</span>
      </div>
      {doubtful && <p className="faint">A replay has these. If it has failed while it committed, nobody knows whether they were written: look into the target, then open them again or discard them. While it runs neither has an effect.</p>}
      {reason && <p role="alert" className="reject-failed">{sentence(reason)} <button type="button" className="button" onClick={again}>Try again</button></p>}
      <div className="panel" tabIndex={0} role="region" aria-label="Records of the group">
        {items.length === 0 && !reason && <div className="none"><p>{loading ? 'Reading records…' : open ? 'Nothing of this group is open any more.' : 'No record of this group is like that.'}</p></div>}
        {items.length > 0 && (
          <table className="reject-records">
            <caption className="visually-hidden">Refused records, last ones first</caption>
            <thead>
              <tr>
                {open && <th scope="col"><input type="checkbox" aria-label="Choose all records that are shown" checked={every} onChange={() => setChosen(every ? new Set() : new Set(items.map((r) => r.id)))} /></th>}
                <th scope="col">Record</th><th scope="col">Place</th><th scope="col">Reason</th><th scope="col">Run</th>{!open && <th scope="col">What became of it</th>}
              </tr>
            </thead>
            <tbody>{items.map((r) => <Row key={r.id} reject={r} open={open} chosen={chosen.has(r.id)} onToggle={() => toggle(r.id)} />)}</tbody>
          </table>
        )}
      </div>
      {next && <button type="button" className="button" aria-disabled={loading} onClick={more}>Show more</button>}
      {dialog === 'reopen' && <DiscardDialog client={client} selection={selection} count={count} again onClose={() => setDialog(null)} onDone={done} />}
      {dialog === 'discard' && <DiscardDialog client={client} selection={selection} count={count} onClose={() => setDialog(null)} onDone={done} />}
      {dialog === 'replay' && <ReplayDialog client={client} selection={selection} revision={last?.revision ?? 0} titles={titles} onClose={() => setDialog(null)} onDone={done} />}
    </>
  );
}

const what = (count: number, all: boolean) => (all ? `all ${exact(count)}` : exact(count));

function selectionOf(place: RejectQuery): RejectSelection {
  const { flow, node, code, field, run, text, state } = place;
  return { ...(flow ? { flow } : {}), ...(node ? { node } : {}), ...(code ? { code } : {}), ...(field !== undefined ? { field } : {}), ...(run ? { run } : {}), ...(text ? { text } : {}), ...(state ? { state: state as RejectState } : {}) };
}

function downloadAddress(place: RejectQuery, chosen: ReadonlySet<string>, format: string): string {
  // An address holds some ids; more are chosen only by what they have in common.
  const query = chosen.size > 0 && chosen.size <= pageSize ? '?' + [...chosen].map((id) => `id=${id}`).join('&') : addressOf(place).replace('/rejects', '');
  return `/api/v1/rejects/download${query}${query ? '&' : '?'}format=${format}`;
}

function Row({ reject: r, open, chosen, onToggle }: { reject: StoredReject; open: boolean; chosen: boolean; onToggle(): void }): ReactNode {
  const place = placeOf(r);
  return (
    <tr className={chosen ? 'chosen' : undefined}>
      {open && <td><input type="checkbox" aria-label={`Choose ${place || 'this record'}`} checked={chosen} onChange={onToggle} /></td>}
      <td className="reject-raw">
        {r.header && <code className="raw faint">{r.header}</code>}
        <code className="raw" tabIndex={0}>{partsOf(r).map((part, i) => (part.bad ? <mark key={i}>{part.text || '(empty)'}</mark> : <span key={i} className={part.name ? 'faint' : undefined}>{part.text}</span>))}</code>
      </td>
      <td className="wrap">{place}{r.earlier && <span className="reject-again"> refused again</span>}</td>
      <td className="wrap">{sentence(r.reason)}</td>
      <td className="time"><a href={`/runs/${r.run}`}>{moment(r.at)}</a> <span className="reject-revision">revision {r.revision}</span></td>
      {!open && <td className="wrap"><Outcome reject={r} /></td>}
    </tr>
  );
}

function Outcome({ reject: r }: { reject: StoredReject }): ReactNode {
  const by = r.resolvedBy && r.resolvedAt ? ` by ${r.resolvedBy}, ${moment(r.resolvedAt)}` : '';
  const run = r.replayRun && <a href={`/runs/${r.replayRun}`}>run</a>;
  switch (r.state) {
    case 'replayed': return <>Replayed in a {run}{by}</>;
    case 'replaying': return <>A {run} has it</>;
    case 'discarded': return <>Discarded{by}: {r.comment}</>;
    default: return <>Nothing of its run was delivered</>;
  }
}

function useRecords(client: Client, place: RejectQuery) {
  const [page, setPage] = useState({ cursor: '' }); // another object asks again
  const [state, setState] = useState<{ items: StoredReject[]; next: string; reason: string; loading: boolean }>({ items: [], next: '', reason: '', loading: true });
  useEffect(() => {
    const asking = new AbortController();
    client.inbox({ ...place, cursor: page.cursor, limit: pageSize }, asking.signal).then(
      (found) => asking.signal.aborted || setState((now) => ({ items: page.cursor ? [...now.items, ...found.items] : found.items, next: found.next ?? '', reason: '', loading: false })),
      (error: unknown) => asking.signal.aborted || setState((now) => ({ ...now, reason: reasonOf(error), loading: false })),
    );
    return () => asking.abort();
  }, [client, place, page]);
  const more = () => {
    if (state.loading) return;
    setState({ ...state, loading: true });
    setPage({ cursor: state.next });
  };
  return { ...state, more, again: () => setPage({ cursor: '' }) };
}

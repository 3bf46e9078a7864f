import { useEffect, useState, type ReactNode } from 'react';
import type { Page, Run } from '../api/types';
import { sentence } from '../form/problem';
import { duration, exact } from '../live/number';
import { useEditor, useServices } from '../shell/editor';
import { reasonOf } from '../shell/session';
import './panel.css';
import { useLoaded } from './use';

const words: Record<Run['state'], string> = { queued: '◷ Queued', running: '◌ Running', succeeded: '✓ Done', failed: '✕ Failed', cancelled: '⊘ Stopped' };

/** stateOf tells apart a clean run and one with rejects. */
export function stateOf(run: Run): { word: string; colour: string } {
  if (run.state === 'succeeded' && run.rejected > 0) return { word: '▲ Done with rejects', colour: 'warning' };
  return { word: words[run.state], colour: run.state === 'cancelled' ? 'skipped' : run.state };
}

const pageSize = 50;

/** RunsPanel lists the runs of this flow, the newest first; the newest page is read again when the watched run changes. */
export function RunsPanel(): ReactNode {
  const { client, session } = useServices();
  const run = useEditor((s) => s.run);
  const flow = session.flow || run?.flow || '';
  const [known, setKnown] = useState<readonly Run[]>([]);
  const [next, setNext] = useState<{ cursor: string | undefined } | null>(null); // null: no page has been read
  const [more, setMore] = useState<{ loading: boolean; reason: string | null }>({ loading: false, reason: null });
  const { value, reason, loading, again } = useLoaded(`${flow} ${run?.id} ${run?.state}`, () => (flow ? client.runs({ flow, limit: pageSize }) : Promise.resolve<Page<Run>>({ items: [] })));
  useEffect(() => {
    if (!value) return;
    setKnown((before) => withPage(value.items ?? [], before));
    setNext((before) => before ?? { cursor: value.next });
  }, [value]);
  const showMore = async () => {
    setMore({ loading: true, reason: null });
    try {
      const page = await client.runs({ flow, limit: pageSize, cursor: next!.cursor! });
      setKnown((before) => withPage(before, page.items ?? []));
      setNext({ cursor: page.next });
      setMore({ loading: false, reason: null });
    } catch (error) {
      setMore({ loading: false, reason: reasonOf(error) });
    }
  };
  if (reason && known.length === 0) return <p className="pad">The runs could not be read: {reason} <button type="button" className="link" onClick={again}>Try again</button></p>;
  if (known.length === 0) return <p className="pad faint">{loading ? 'Reading runs…' : 'This flow has not run yet.'}</p>;
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Runs of this flow">
      <table className="table">
        <thead><tr><th scope="col">State</th><th scope="col">Started</th><th scope="col">Revision</th><th scope="col">Environment</th><th scope="col" className="number">Duration</th><th scope="col" className="number">Read</th><th scope="col" className="number">Written</th><th scope="col" className="number">Rejected</th><th scope="col">Error</th></tr></thead>
        <tbody>{known.map((r) => <Row key={r.id} run={r} current={r.id === run?.id} />)}</tbody>
      </table>
      {more.reason && <p className="pad" role="alert">The earlier runs could not be read: {more.reason}</p>}
      {next?.cursor && <button type="button" className="form-button more" aria-disabled={more.loading} onClick={() => more.loading || void showMore()}>{more.loading ? 'Reading runs…' : 'Show more'}</button>}
    </div>
  );
}

/** withPage joins two parts of the list, the newer one first; a run that both have stands where the newer one has it. */
function withPage(newer: readonly Run[], older: readonly Run[]): readonly Run[] {
  const ids = new Set(newer.map((r) => r.id));
  return [...newer, ...older.filter((r) => !ids.has(r.id))];
}

function Row({ run, current }: { run: Run; current: boolean }): ReactNode {
  const { word, colour } = stateOf(run);
  const started = run.startedAt ?? run.createdAt;
  const took = run.startedAt && run.endedAt ? duration(Date.parse(run.endedAt) - Date.parse(run.startedAt)) : '—';
  return (
    <tr aria-current={current || undefined}>
      <td><span className="state-word" data-state={colour}>{word}</span></td>
      <td><a href={`/runs/${encodeURIComponent(run.id)}`}><time dateTime={started}>{new Date(started).toLocaleString()}</time></a></td>
      <td>{run.revision ?? '—'}{run.until ? ` · to ${run.until}` : ''}</td>
      <td>{run.environment ?? ''}</td>
      <td className="number">{took}</td>
      <td className="number">{exact(run.read)}</td>
      <td className="number">{exact(run.written)}</td>
      <td className="number">{exact(run.rejected)}</td>
      <td>{run.error ? sentence(run.error.message) : ''}</td>
    </tr>
  );
}

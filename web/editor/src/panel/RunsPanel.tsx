import { useEffect, useState, type ReactNode } from 'react';
import type { Page, Run } from '../api/types';
import { sentence } from '../form/problem';
import { duration, exact } from '../live/number';
import { useEditor, useServices } from '../shell/editor';
import './panel.css';
import { useLoaded } from './use';

const words: Record<Run['state'], string> = { queued: '◷ Queued', running: '◌ Running', succeeded: '✓ Done', failed: '✕ Failed', cancelled: '⊘ Stopped' };

/** stateOf tells apart a clean run and one with rejects. */
export function stateOf(run: Run): { word: string; colour: string } {
  if (run.state === 'succeeded' && run.rejected > 0) return { word: '▲ Done with rejects', colour: 'warning' };
  return { word: words[run.state], colour: run.state === 'cancelled' ? 'skipped' : run.state };
}

/** RunsPanel lists the runs of this flow, the newest first. */
export function RunsPanel(): ReactNode {
  const { client, session } = useServices();
  const run = useEditor((s) => s.run);
  const flow = session.flow || run?.flow || '';
  const [limit, setLimit] = useState(50);
  const { value, reason, loading, again } = useLoaded(`${flow} ${run?.id} ${run?.state} ${limit}`, () => (flow ? client.runs({ flow, limit }) : Promise.resolve<Page<Run>>({ items: [] })));
  const [known, setKnown] = useState<{ items: Run[]; next?: string }>({ items: [] });
  useEffect(() => {
    if (value) setKnown({ items: value.items ?? [], ...(value.next ? { next: value.next } : {}) });
  }, [value]);
  if (reason) return <p className="pad">The runs could not be read: {reason} <button type="button" className="link" onClick={again}>Try again</button></p>;
  if (known.items.length === 0) return <p className="pad faint">{loading ? 'Reading runs…' : 'This flow has not run yet.'}</p>;
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Runs of this flow">
      <table className="table">
        <thead><tr><th scope="col">State</th><th scope="col">Started</th><th scope="col">Revision</th><th scope="col" className="number">Duration</th><th scope="col" className="number">Read</th><th scope="col" className="number">Written</th><th scope="col" className="number">Rejected</th><th scope="col">Error</th></tr></thead>
        <tbody>{known.items.map((r) => <Row key={r.id} run={r} current={r.id === run?.id} />)}</tbody>
      </table>
      {known.next && limit < 200 && <button type="button" className="form-button more" onClick={() => setLimit(200)}>Show more</button>}
    </div>
  );
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
      <td className="number">{took}</td>
      <td className="number">{exact(run.read)}</td>
      <td className="number">{exact(run.written)}</td>
      <td className="number">{exact(run.rejected)}</td>
      <td>{run.error ? sentence(run.error.message) : ''}</td>
    </tr>
  );
}

import { useEffect, useState, type ReactNode } from 'react';
import { ApiError, type Client } from '../api/client';
import type { FlowError, RejectSelection, ReplayReport, ReplayRejects, Run } from '../api/types';
import { Dialog } from '../file/Dialog';
import { sentence } from '../form/problem';
import '../form/form.css';
import { exact } from '../live/number';
import { placeOf } from '../panel/RejectTable';
import { partsOf } from './record';

/** Titles are the names of the flow's nodes by their id. */
export type Titles = Record<string, string>;

interface Props {
  client: Client;
  selection: RejectSelection;
  revision: number; // that refused the records
  titles: Titles;
  onClose(): void;
  onDone(): void;
}

type Through = 'newest' | 'draft' | 'same';
type Look = { kind: 'busy' } | { kind: 'report'; report: ReplayReport } | { kind: 'refused'; problems: readonly FlowError[] } | { kind: 'run'; run: Run };

/** ReplayDialog lets rejects go through the flow again: first without writing anything, then in a run. */
export function ReplayDialog({ client, selection, revision, titles, onClose, onDone }: Props): ReactNode {
  const [through, setThrough] = useState<Through>('newest');
  const [look, setLook] = useState<Look>({ kind: 'busy' });
  const [key] = useState(() => crypto.randomUUID());
  const body: ReplayRejects = { ...selection, ...(through === 'draft' ? { draft: true } : through === 'same' ? { revision } : {}) };
  const refuse = (error: unknown) => setLook({ kind: 'refused', problems: problemsOf(error) });
  useEffect(() => {
    const asking = new AbortController();
    setLook({ kind: 'busy' });
    client.dryReplay(body, asking.signal).then(
      (report) => asking.signal.aborted || setLook(report.problems?.length ? { kind: 'refused', problems: report.problems } : { kind: 'report', report }),
      (error: unknown) => asking.signal.aborted || refuse(error),
    );
    return () => asking.abort();
  }, [client, through]);
  const start = async (report: ReplayReport) => {
    setLook({ kind: 'busy' });
    try {
      let run = await client.replay({ ...selection, revision: report.revision }, key);
      setLook({ kind: 'run', run });
      while (run.state === 'queued' || run.state === 'running') {
        await new Promise((done) => setTimeout(done, 300));
        run = await client.run(run.id);
        setLook({ kind: 'run', run });
      }
    } catch (error) {
      refuse(error);
    }
  };
  const over = look.kind === 'run' && look.run.state !== 'queued' && look.run.state !== 'running';
  return (
    <Dialog title="Replay records" onClose={look.kind === 'run' ? onDone : onClose}>
      <div className="reject-dialog form">
        {look.kind !== 'run' && (
          <div className="form-field">
            <label className="form-label" htmlFor="replay-through">Through</label>
            <select id="replay-through" className="form-input" autoFocus value={through} onChange={(e) => setThrough(e.target.value as Through)}>
              <option value="newest">The published revision if it is newer than the records, else the draft</option>
              <option value="draft">The draft as it is drawn now</option>
              <option value="same">Revision {revision}, which refused them</option>
            </select>
          </div>
        )}
        <div role="status" aria-live="polite">
          {look.kind === 'busy' && <p>Dry run: finding out what would be refused again…</p>}
          {look.kind === 'report' && <Report report={look.report} titles={titles} />}
          {look.kind === 'run' && <Outcome run={look.run} />}
        </div>
        {look.kind === 'refused' && look.problems.map((p, i) => (
          <div key={i} role="alert" className="notice failed"><div><p>{sentence(p.message)}{p.path?.node && <span className="faint"> Node {titles[p.path.node] ?? p.path.node}.</span>}</p>{p.suggestion && <p>{sentence(p.suggestion)}</p>}</div></div>
        ))}
        <div className="file-dialog-foot">
          <button type="button" className="button" onClick={look.kind === 'run' ? onDone : onClose}>{over ? 'Close' : look.kind === 'run' ? 'Close, it goes on' : 'Cancel'}</button>
          {look.kind !== 'run' && <button type="button" className="button primary" disabled={look.kind !== 'report' || look.report.passed === 0} onClick={() => look.kind === 'report' && void start(look.report)}>
            {look.kind === 'report' && look.report.failed > 0 && look.report.passed > 0 ? 'Replay anyway' : 'Replay'}
          </button>}
        </div>
      </div>
    </Dialog>
  );
}

function problemsOf(error: unknown): readonly FlowError[] {
  if (error instanceof ApiError) {
    if (error.problems.length > 0) return error.problems;
    return [{ code: error.code, message: error.detail, ...(error.suggestion ? { suggestion: error.suggestion } : {}), ...(error.path ? { path: error.path } : {}) }];
  }
  return [{ code: 'unknown', message: String(error) }];
}

function Report({ report, titles }: { report: ReplayReport; titles: Titles }): ReactNode {
  return (
    <>
      <p className={report.failed > 0 ? 'reject-failing' : 'reject-passing'}><strong>{exact(report.passed)} pass, {exact(report.failed)} fail</strong></p>
      <p className="faint">Through revision {report.revision}. {exact(report.written)} {report.written === 1 ? 'record' : 'records'} would be written; nothing was written so far.{report.failed > 0 && report.passed > 0 && ' Those that fail come back to the inbox.'}</p>
      {report.failed > 0 && report.after && <p>The records enter the flow behind {titles[report.after] ?? report.after}, as they were there: what mends them has to stand behind it. A node that is changed before it makes no difference to them.</p>}
      {report.rejects.length > 0 && (
        <div className="table-scroll reject-failures" tabIndex={0} role="region" aria-label="Records that are refused again">
          <table className="table">
            <thead><tr><th scope="col">Record</th><th scope="col">Place</th><th scope="col">Reason</th></tr></thead>
            <tbody>{report.rejects.map((r, i) => (
              <tr key={i}><td><code className="raw">{partsOf(r).map((part, k) => (part.bad ? <mark key={k}>{part.text}</mark> : part.text))}</code></td><td>{placeOf(r)}</td><td>{sentence(r.reason)}</td></tr>
            ))}</tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Outcome({ run }: { run: Run }): ReactNode {
  const link = <a href={`/runs/${run.id}`}>Show the run</a>;
  switch (run.state) {
    case 'succeeded': return <p className={run.rejected > 0 ? 'reject-failing' : 'reject-passing'}><strong>Replayed: {exact(run.written)} written{run.rejected > 0 ? `, ${exact(run.rejected)} refused again` : ''}.</strong> {link}</p>;
    case 'failed': return <p className="reject-failing"><strong>The replay failed.</strong> {run.error && sentence(run.error.message)} {link}</p>;
    case 'cancelled': return <p><strong>The replay was cancelled;</strong> its records are open again. {link}</p>;
    default: return <p>The replay runs… {link}</p>;
  }
}

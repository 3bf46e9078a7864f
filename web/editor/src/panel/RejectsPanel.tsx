import { useEffect, useState, type ReactNode } from 'react';
import type { Reject } from '../api/types';
import { useEditor, useRunStates, useServices } from '../shell/editor';
import { reasonOf } from '../shell/session';
import './panel.css';
import { addressOf } from '../reject/place';
import { RejectTable } from './RejectTable';
import { nodeTitle, useSelected } from './use';

const pageSize = 100;

/** RejectsPanel lists the records that the watched run refused, of the selected node or of all. */
export function RejectsPanel(): ReactNode {
  const run = useEditor((s) => s.run);
  const document = useEditor((s) => s.document);
  const node = useSelected();
  const [whole, setWhole] = useState(false);
  useRunStates();
  if (!run) return <p className="pad faint">Run the flow to see the records that it refuses.</p>;
  const only = node && !whole ? node.id : '';
  return (
    <div className="rejects-panel">
      <div className="preview-bar">
        <span>{only ? `Refused by ${nodeTitle(document, only)}` : 'Refused by all nodes'}</span>
        {node && <button type="button" className="form-button" onClick={() => setWhole(!whole)}>{whole ? `Only ${nodeTitle(document, node.id)}` : 'All nodes'}</button>}
        {run.flow && run.trigger !== 'sample' && <a className="form-button" href={addressOf({ ...(only ? { flow: run.flow, node: only } : { run: run.id }) })}>Open in inbox</a>}
      </div>
      <Pages key={`${run.id} ${run.state} ${only}`} run={run.id} node={only} ended={run.state !== 'queued' && run.state !== 'running'} />
    </div>
  );
}

function Pages({ run, node, ended }: { run: string; node: string; ended: boolean }): ReactNode {
  const { client } = useServices();
  const [page, setPage] = useState({ cursor: '' }); // another object asks again
  const [state, setState] = useState<{ items: Reject[]; next: string; reason: string; loading: boolean }>({ items: [], next: '', reason: '', loading: true });
  useEffect(() => {
    const asking = new AbortController();
    client.rejects(run, { ...(node ? { node } : {}), cursor: page.cursor, limit: pageSize }, asking.signal).then(
      (found) => asking.signal.aborted || setState((now) => ({ items: [...now.items, ...(found.items ?? [])], next: found.next ?? '', reason: '', loading: false })),
      (error: unknown) => asking.signal.aborted || setState((now) => ({ ...now, reason: reasonOf(error), loading: false })),
    );
    return () => asking.abort();
  }, [client, run, node, page]);
  return (
    <>
      {state.reason && <p className="pad">The rejects could not be read: {state.reason}</p>}
      {state.items.length > 0 && <RejectTable rejects={state.items} />}
      {state.items.length === 0 && !state.reason && <p className="pad faint">{state.loading ? 'Reading rejects…' : ended ? 'No record was refused.' : 'No record was refused so far.'}</p>}
      {(state.next || state.reason) && <button type="button" className="form-button more" aria-disabled={state.loading} onClick={() => {
        if (state.loading) return;
        setState({ ...state, loading: true });
        setPage({ cursor: state.next });
      }}>{state.reason ? 'Try again' : 'Show more'}</button>}
    </>
  );
}

import { useSyncExternalStore, useState, type ReactNode } from 'react';
import { Dialog } from '../file/Dialog';
import type { Answer, Fetched } from '../api/types';
import { sentence } from '../form/problem';
import { duration } from '../live/number';
import type { FlowNode } from '../model/document';
import { useEditor, useServices } from '../shell/editor';
import { reasonOf } from '../shell/session';
import { OpenApiDialog } from './OpenApiDialog';
import { parseCurl } from './curl';
import { useLoaded } from './use';

let fetches = 0; // samples fetched by this page
const watchers = new Set<() => void>();
const watch = (tell: () => void) => {
  watchers.add(tell);
  return () => void watchers.delete(tell);
};

/** useFetches changes whenever a sample was fetched: previews are made of it. */
export function useFetches(): number {
  return useSyncExternalStore(watch, () => fetches);
}

/** useAnswer is the sample that was fetched for a node of the draft. */
export function useAnswer(node: string): { answer: Answer | null; reason: string | null; loading: boolean } {
  const { client, session } = useServices();
  const turn = useFetches();
  const { value, reason, loading } = useLoaded(`answer ${session.flow} ${node} ${turn}`, (signal) => (session.flow ? client.answers(session.flow, node, signal) : Promise.resolve({ items: [] })));
  return { answer: value?.items[0] ?? null, reason, loading };
}

/** FetchField fetches a sample of the API that the node reads, or lets one that calls for each record call for a few: nothing else calls it while the flow is drawn. */
export function FetchField({ node, calls, onShow }: { node: FlowNode; calls: boolean; onShow(): void }): ReactNode {
  const { client, editor, session } = useServices();
  const readOnly = useEditor((s) => s.readOnly);
  const environment = useEditor((s) => s.environment);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const [fetched, setFetched] = useState<Fetched | null>(null);
  const [curl, setCurl] = useState(false);
  const [picking, setPicking] = useState(false);
  const [asking, setAsking] = useState(false);
  const { answer, loading } = useAnswer(node.id);
  const proposed = fetched?.proposal.fields ?? [];
  const take = (from: Fetched) => {
    editor.config(node.id, 'Use the fields of the sample', (config) => {
      config['fields'] = from.proposal.fields.map((f) => ({ ...f }));
      if (from.recordPath) config['recordPath'] = from.recordPath;
    });
    editor.seal();
    editor.announce(`${from.proposal.fields.length} fields are used.`);
    setFetched(null);
  };
  const fetchSample = async () => {
    setBusy(true);
    setFailed(null);
    setFetched(null);
    // Whoever wants the record as a whole, or has fields, is asked before more are taken.
    const bare = !node.config?.['recordField'] && !(node.config?.['fields'] as unknown[] | undefined)?.length;
    try {
      await session.save(); // the answer is kept for the draft
      const got = await client.fetchAnswer(session.flow, { document: editor.state.document, node: node.id, ...(environment ? { environment } : {}), parameters: editor.state.given });
      const sent = got.answer.calls?.length ?? 0;
      editor.announce(calls ? `${sent === 1 ? '1 request was' : `${sent} requests were`} sent.` : `The API answered ${got.answer.status} ${got.answer.statusText}.`);
      if (bare && got.proposal.fields.length > 0) take(got);
      else {
        setFetched(got);
        if (got.recordPath && !node.config?.['recordPath']) editor.config(node.id, 'Use the records of the sample', (config) => (config['recordPath'] = got.recordPath));
      }
    } catch (error) {
      setFailed(reasonOf(error)); // with what to do
    } finally {
      fetches += 1;
      watchers.forEach((tell) => tell());
      setBusy(false);
    }
  };
  return (
    <div className="form-field fetch-field" role="group" aria-label="Sample of the API">
      <div className="form-path">
        <button type="button" className="form-button primary" disabled={busy || readOnly} onClick={() => (calls ? setAsking(true) : void fetchSample())}>{busy ? 'Calling…' : calls ? 'Send a sample…' : 'Fetch sample'}</button>
        {!readOnly && !calls && <button type="button" className="form-button" onClick={() => setCurl(true)}>Paste curl…</button>}
        {!readOnly && <button type="button" className="form-button" onClick={() => setPicking(true)}>OpenAPI…</button>}
        {answer && <button type="button" className="form-button" onClick={onShow}>Response</button>}
      </div>
      <div role="status">
        {failed && <p className="form-problem" data-severity="error"><span aria-hidden="true">✕</span>{sentence(failed)}</p>}
        {answer && <p className="form-help"><span className={`badge ${answer.status < 300 ? 'state-succeeded' : 'state-failed'}`}>{answer.status} {answer.statusText}</span> {duration(answer.took / 1e6)}, fetched {new Date(answer.at).toLocaleTimeString([], { hour12: false })}{answer.environment ? ` in ${answer.environment}` : ''}</p>}
        {answer?.calls && <p className="form-help">{answer.calls.length === 1 ? '1 request was' : `${answer.calls.length} requests were`} sent; previews use what came back.</p>}
        {!answer && !loading && calls && <p className="form-help">Nothing has been sent. Previews send nothing: what a call returns is empty in them.</p>}
        {!answer && !loading && !calls && <p className="form-help">No sample yet. It calls the API once; previews read what it answered, and call nothing.</p>}
      </div>
      {fetched && proposed.length > 0 && !readOnly && <button type="button" className="form-button" onClick={() => take(fetched)}>Use the {proposed.length} fields of the sample</button>}
      {curl && <CurlDialog node={node} onClose={() => setCurl(false)} />}
      {picking && <OpenApiDialog node={node} records={!calls} onClose={() => setPicking(false)} />}
      {asking && <ConsentDialog node={node} onClose={() => setAsking(false)} onYes={() => {
        setAsking(false);
        void fetchSample();
      }} />}
    </div>
  );
}

/** ConsentDialog asks before anything is sent: it cannot be taken back. */
function ConsentDialog({ node, onClose, onYes }: { node: FlowNode; onClose(): void; onYes(): void }): ReactNode {
  const text = (member: string, fallback: string) => (typeof node.config?.[member] === 'string' ? node.config[member] : fallback);
  const connection = text('connection', '');
  return (
    <Dialog title="Send a sample?" onClose={onClose}>
      <form className="form" onSubmit={(e) => {
        e.preventDefault();
        onYes();
      }}>
        <p>Up to 5 real requests are sent, one for each of the first records that come to this node{connection && <> over the connection <strong>{connection}</strong></>}:</p>
        <p><code>{text('method', 'GET')} {text('url', '')}</code></p>
        <p className="form-help">Whatever the server does for them cannot be taken back here.</p>
        <div className="file-dialog-foot">
          <span className="space" />
          <button type="button" className="form-button" data-first onClick={onClose}>Cancel</button>
          <button type="submit" className="form-button primary">Send up to 5</button>
        </div>
      </form>
    </Dialog>
  );
}

/** CurlDialog fills the node in from a command of curl. */
function CurlDialog({ node, onClose }: { node: FlowNode; onClose(): void }): ReactNode {
  const { editor } = useServices();
  const [text, setText] = useState('');
  const [reason, setReason] = useState('');
  const [left, setLeft] = useState<readonly string[]>([]);
  const fill = () => {
    try {
      const request = parseCurl(text);
      editor.config(node.id, 'Paste curl', (config) => {
        config['method'] = request.method;
        config['url'] = request.url;
        for (const [member, value] of [['query', request.query], ['headers', request.headers], ['body', request.body]] as const) {
          if (value.length > 0) config[member] = value as string;
          else delete config[member];
        }
      });
      editor.seal();
      editor.announce('The node is filled in from the command.');
      if (request.left.length > 0) setLeft(request.left);
      else onClose();
    } catch (error) {
      setReason(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Dialog title="Paste curl" onClose={onClose}>
      <form className="form" onSubmit={(e) => {
        e.preventDefault();
        fill();
      }}>
        {left.length > 0 ? (
          <p role="status"><span aria-hidden="true">▲</span> Filled in, without what holds credentials: {left.join(', ')}. Put those into a connection, so that they are sealed.</p>
        ) : (
          <div className="form-field">
            <label className="form-label" htmlFor="curl-text">Command</label>
            <textarea id="curl-text" className="form-input curl-text" data-first rows={8} value={text} spellCheck={false} placeholder={"curl 'https://api.example.com/products?page=1' -H 'Accept: application/json'"} onChange={(e) => setText(e.target.value)} />
            {reason && <p className="form-problem" data-severity="error" role="alert"><span aria-hidden="true">✕</span>{sentence(reason)}</p>}
            <p className="form-help">Method, address, query, headers and body are taken over. Nothing is sent.</p>
          </div>
        )}
        <div className="file-dialog-foot">
          <span className="space" />
          <button type="button" className="form-button" onClick={onClose}>{left.length > 0 ? 'Close' : 'Cancel'}</button>
          {left.length === 0 && <button type="submit" className="form-button primary" disabled={text.trim() === ''}>Fill in</button>}
        </div>
      </form>
    </Dialog>
  );
}

import { useDeferredValue, useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { Operation, Operations, OperationsRequest } from '../api/types';
import { Dialog } from '../file/Dialog';
import { sentence } from '../form/problem';
import { nodeOf, type FlowNode } from '../model/document';
import { useEditor, useServices } from '../shell/editor';
import { reasonOf } from '../shell/session';
import { fill, found, shown } from './openapi';
import { schemasOf } from './use';

const largest = 10 * 1024 * 1024; // as the server says

interface Props {
  node: FlowNode;
  records: boolean; // the node reads pages of records, else it calls for each record
  onClose(): void;
}

/** OpenApiDialog fills a node in from an operation of an OpenAPI document: it is pasted, a file, or fetched by its address. */
export function OpenApiDialog({ node, records, onClose }: Props): ReactNode {
  const { client, editor } = useServices();
  const environment = useEditor((s) => s.environment);
  const [source, setSource] = useState<OperationsRequest>({});
  const [read, setRead] = useState<Operations | null>(null);
  const [notes, setNotes] = useState<readonly string[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState('');
  const connection = typeof node.config?.['connection'] === 'string' ? node.config['connection'] : '';
  const asking = useRef<AbortController | null>(null);
  useEffect(() => () => asking.current?.abort(), []);

  const ask = async (request: OperationsRequest): Promise<Operations | null> => {
    asking.current?.abort();
    const mine = (asking.current = new AbortController());
    setBusy(true);
    setFailed('');
    try {
      return await client.operations({ ...request, ...(connection ? { connection } : {}), ...(environment ? { environment } : {}) }, mine.signal);
    } catch (error) {
      if (!mine.signal.aborted) setFailed(sentence(reasonOf(error)));
      return null;
    } finally {
      if (!mine.signal.aborted) setBusy(false);
    }
  };
  const open = async (from: OperationsRequest) => {
    const got = await ask(from);
    if (!got) return;
    setSource({ ...from, ...(got.text ? { text: got.text } : {}) });
    setRead(got);
    editor.announce(`${got.items.length} operations of ${got.title || 'the API'}.`);
  };
  const choose = async (o: Operation) => {
    const input = schemasOf(editor, node).inputs[0]?.fields ?? [];
    const got = await ask({ ...source, method: o.method, path: o.path, records, fields: input.map((f) => f.name) });
    if (!got?.chosen) return;
    const { chosen } = got;
    editor.change('Pick from OpenAPI', (doc) => {
      const changed = nodeOf(doc, node.id);
      if (changed) fill(doc, changed, chosen);
    });
    editor.seal();
    editor.announce(`The node is filled in from ${o.method} ${o.path}.`);
    if (chosen.notes.length > 0) setNotes(chosen.notes);
    else onClose();
  };
  const problem = failed && <p className="form-problem" data-severity="error" role="alert"><span aria-hidden="true">✕</span>{failed}</p>;
  return (
    <Dialog title={notes ? 'Filled in' : read ? `Operations of ${read.title || 'the API'}` : 'Pick from OpenAPI'} onClose={onClose}>
      {notes ? <Notes notes={notes} onClose={onClose} />
        : read ? <OperationList items={read.items} records={records} busy={busy} problem={problem} onBack={() => {
          setRead(null);
          setFailed('');
        }} onChoose={(o) => void choose(o)} />
          : <Source busy={busy} problem={problem} connection={connection} before={source} onFail={setFailed} onOpen={(from) => void open(from)} onClose={onClose} />}
    </Dialog>
  );
}

/** Source asks for the document. */
function Source({ busy, problem, connection, before, onFail, onOpen, onClose }: { busy: boolean; problem: ReactNode; connection: string; before: OperationsRequest; onFail(why: string): void; onOpen(from: OperationsRequest): void; onClose(): void }): ReactNode {
  const id = useId();
  const [address, setAddress] = useState(before.address ?? '');
  const [text, setText] = useState(before.address ? '' : (before.text ?? ''));
  const file = useRef<HTMLInputElement>(null);
  const choose = async (picked: File | undefined) => {
    if (!picked) return;
    if (picked.size > largest) onFail(`The file has ${Math.ceil(picked.size / 1024 / 1024)} MB, and a document may have 10 MB. Choose the part of it that describes what you need.`);
    else onOpen({ text: await picked.text() });
  };
  return (
    <form className="form openapi" onSubmit={(e) => {
      e.preventDefault();
      if (text.trim() !== '') onOpen({ text });
      else if (address.trim() !== '') onOpen({ address: address.trim() });
    }}>
      <div className="form-field">
        <label className="form-label" htmlFor={`${id}-address`}>Address of the document</label>
        <input id={`${id}-address`} className="form-input" data-first value={address} spellCheck={false} placeholder={connection ? '/openapi.json' : 'https://api.example.com/openapi.json'} onChange={(e) => setAddress(e.target.value)} />
        <p className="form-help">{connection ? `Below the base URL of ${connection}, with its authentication. It is fetched once.` : 'A whole address, fetched once and without credentials. With a connection in the node, a path below its base URL.'}</p>
      </div>
      <div className="form-field">
        <label className="form-label" htmlFor={`${id}-text`}>Or its text</label>
        <textarea id={`${id}-text`} className="form-input curl-text" rows={8} value={text} spellCheck={false} placeholder={'openapi: 3.1.0\npaths:\n  /products:\n    get: …'} onChange={(e) => setText(e.target.value)} />
        <p className="form-help">OpenAPI 3.0 and 3.1 or Swagger 2.0, as JSON or YAML, up to 10 MB. Nothing that it refers to outside of itself is opened.</p>
      </div>
      {problem}
      <div className="file-dialog-foot">
        <input ref={file} type="file" hidden accept=".json,.yaml,.yml,application/json,application/yaml" aria-label="OpenAPI document" onChange={(e) => {
          void choose(e.target.files?.[0]);
          e.target.value = '';
        }} />
        <button type="button" className="form-button" disabled={busy} onClick={() => file.current?.click()}>Choose a file…</button>
        <span className="space" />
        <button type="button" className="form-button" onClick={onClose}>Cancel</button>
        <button type="submit" className="form-button primary" disabled={busy || (text.trim() === '' && address.trim() === '')}>{busy ? 'Reading…' : 'Show operations'}</button>
      </div>
    </form>
  );
}

/** OperationList is searched by typing; arrows move, Enter chooses. */
function OperationList({ items, records, busy, problem, onBack, onChoose }: { items: readonly Operation[]; records: boolean; busy: boolean; problem: ReactNode; onBack(): void; onChoose(o: Operation): void }): ReactNode {
  const id = useId();
  const [search, setSearch] = useState('');
  const [active, setActive] = useState(0);
  const searched = useDeferredValue(search);
  const { sent, left } = useMemo(() => found(items, searched, records), [items, searched, records]);
  const listed = sent.slice(0, shown);
  const at = Math.min(active, listed.length - 1);
  const box = useRef<HTMLUListElement>(null);
  useEffect(() => void box.current?.children[at]?.scrollIntoView?.({ block: 'nearest' }), [at, searched]); // newer browsers return a promise
  const key = (e: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[e.key];
    if (step !== undefined) {
      e.preventDefault();
      setActive(Math.max(0, Math.min(listed.length - 1, at + step)));
    } else if (e.key === 'Enter') {
      e.preventDefault();
      if (listed[at] && !busy) onChoose(listed[at]);
    }
  };
  return (
    <div className="form openapi">
      <input className="form-input" data-first autoFocus role="combobox" aria-label="Search operations" aria-expanded="true" aria-controls={id} aria-activedescendant={listed[at] && `${id}-${at}`} placeholder="Search by method, path, summary or tag" value={search} spellCheck={false} onKeyDown={key} onChange={(e) => {
        setSearch(e.target.value);
        setActive(0);
      }} />
      <ul ref={box} id={id} role="listbox" aria-label="Operations" className="operations">
        {listed.map((o, i) => (
          <li key={`${o.method} ${o.path}`} id={`${id}-${i}`} role="option" aria-selected={i === at} onMouseMove={() => i === at || setActive(i)} onClick={() => !busy && onChoose(o)}>
            <span className="operation-method" data-method={o.method}>{o.method}</span>
            <span className="operation-path">{o.path}</span>
            <span className="operation-summary">{o.deprecated && <span className="operation-old">deprecated</span>}{o.summary}</span>
            <span className="operation-tag">{o.tag}</span>
          </li>
        ))}
        {listed.length === 0 && <li role="presentation" className="form-help">Nothing fits. Search for a part of the path or of the summary.</li>}
      </ul>
      <p className="form-help" role="status">{sent.length > listed.length ? `The first ${listed.length} of ${sent.length} are shown; search for others. ` : `${sent.length} ${sent.length === 1 ? 'operation' : 'operations'}. `}{left > 0 && `${left} with a method that this node does not send ${left === 1 ? 'is' : 'are'} not shown.`}</p>
      {problem}
      <div className="file-dialog-foot">
        <button type="button" className="form-button" onClick={onBack}>Back</button>
        <span className="space" />
        <button type="button" className="form-button primary" disabled={busy || !listed[at]} onClick={() => listed[at] && onChoose(listed[at])}>{busy ? 'Filling in…' : 'Fill in'}</button>
      </div>
    </div>
  );
}

/** Notes say what was not taken over. */
function Notes({ notes, onClose }: { notes: readonly string[]; onClose(): void }): ReactNode {
  return (
    <div className="form openapi">
      <div role="status"><ul className="openapi-notes">{notes.map((n) => <li key={n}>{n}</li>)}</ul></div>
      <div className="file-dialog-foot">
        <span className="space" />
        <button type="button" className="form-button primary" autoFocus onClick={onClose}>Close</button>
      </div>
    </div>
  );
}

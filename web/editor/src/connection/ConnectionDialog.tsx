import { produce } from 'immer';
import { useMemo, useState, type ReactNode } from 'react';
import { ApiError, type Client } from '../api/client';
import type { Catalogue, Connection, ConnectionReport, ConnectionType, FlowError } from '../api/types';
import { Dialog } from '../file/Dialog';
import { Form, Problems } from '../form/Field';
import { meets, membersOf, type Schema } from '../form/schema';
import { FormContext, type FormScope } from '../form/scope';
import '../form/form.css';
import './connection.css';
import { duration } from '../live/number';
import type { Config } from '../model/document';
import { problemsOf } from './problems';
import { SignIn } from './SignIn';

interface Props {
  client: Client;
  catalogue: Catalogue;
  connection: Connection | null; // null: a new one
  name?: string; // of the connection that gets an entry in another environment
  type?: string; // of that one
  systems?: readonly ConnectionType[]; // that a new one may lead to; none: all
  environment?: string; // of a new entry; '' or none: the default one
  onSaved(connection: Connection): void;
  onClose(): void;
}

type Outcome = { kind: 'busy'; what: 'test' | 'save' } | { kind: 'split' } | { kind: 'reached'; report: ConnectionReport } | { kind: 'failed'; error: ApiError } | null;

/** ConnectionDialog edits a connection, and tries it before it is saved. */
export function ConnectionDialog({ client, catalogue, connection: given, name: entryOf = '', type: entryType = '', systems, environment = '', onSaved, onClose }: Props): ReactNode {
  const [connection, setConnection] = useState(given); // as it is saved
  const types = systems ?? catalogue.connections ?? [];
  const [type, setType] = useState(connection?.type ?? (entryType || (types[0]?.id ?? '')));
  const [name, setName] = useState(connection?.name ?? entryOf);
  const [settings, setSettings] = useState<Config>(() => (connection?.settings ?? {}) as Config);
  const [outcome, setOutcome] = useState<Outcome>(null);
  const [ignored, setIgnored] = useState<readonly string[]>([]); // parameters of the address that was split
  const known = types.find((t) => t.id === type);
  const problems = useMemo(() => (outcome?.kind === 'failed' ? problemsOf(outcome.error) : []), [outcome]);
  const busy = outcome?.kind === 'busy';
  const input = { name, type, settings, ...(environment && !connection ? { environment } : {}) };
  const attempt = async <T,>(what: 'test' | 'save', request: () => Promise<T>, done: (result: T) => void): Promise<T | null> => {
    setOutcome({ kind: 'busy', what });
    try {
      const result = await request();
      setOutcome(null);
      done(result);
      return result;
    } catch (error) {
      setOutcome({ kind: 'failed', error: error instanceof ApiError ? error : new ApiError(0, 'unknown', String(error)) });
      return null;
    }
  };
  const test = () => attempt('test', () => client.testConnection({ ...input, name: name || 'connection', ...(connection ? { id: connection.id } : {}) }), (report) => setOutcome({ kind: 'reached', report }));
  const save = (done: (saved: Connection) => void) => attempt('save', () => (connection ? client.saveConnection(connection, input) : client.createConnection(input)), done);
  /** keep saves and stays: the form goes on with what is stored, its secrets hidden. */
  const keep = () => save((saved) => {
    setConnection(saved);
    setSettings(saved.settings as Config);
  });
  const close = () => (connection && connection !== given ? onSaved(connection) : onClose());
  const split = async (address: string) => {
    try {
      const { settings: parts, ignored: without } = await client.splitAddress(type, address);
      setSettings(parts as Config);
      setIgnored(without ?? []);
      setOutcome({ kind: 'split' });
      return true;
    } catch (error) {
      setIgnored([]);
      setOutcome({ kind: 'failed', error: error instanceof ApiError ? error : new ApiError(0, 'unknown', String(error)) });
      return false;
    }
  };
  const scope: FormScope = {
    node: '', config: settings, problems, readOnly: busy, sink: false, catalogue, inputs: [], parameters: [], secrets: connection?.secrets ?? [],
    edit: (_, recipe) => setSettings((now) => produce(now, recipe)), seal: () => {}, undo: () => {}, redo: () => {},
  };
  const schema = known?.schema as Schema | undefined;
  const places = schema ? membersOf(schema).map((m) => m.name) : [];
  const loose = problems.filter((p) => !places.includes(p.path?.field ?? '') && p.path?.field !== 'name' && p.path?.field !== 'address');
  return (
    <FormContext value={scope}><Dialog title={(connection ? `Connection ${connection.name}` : entryOf ? `Connection ${entryOf}` : 'New connection') + (environment ? ` in ${environment}` : '')} onClose={close}>
      <form className="connection form" onSubmit={(e) => {
        e.preventDefault();
        void save(onSaved);
      }}>
        <div className="form-field">
          <label className="form-label" htmlFor="connection-name">Name<span className="form-required" title="Must be filled in"> *</span></label>
          <input id="connection-name" className="form-input" value={name} data-first={entryOf === '' || undefined} readOnly={!connection && entryOf !== ''} spellCheck={false} autoComplete="off" placeholder="warehouse" onChange={(e) => setName(e.target.value)} />
          <Problems problems={problems.filter((p) => p.path?.field === 'name')} />
          <p className="form-help">Nodes use the connection by this name{environment ? ', in every environment' : ''}.</p>
        </div>
        {!connection && entryOf === '' && types.length > 1 && (
          <div className="form-field">
            <label className="form-label" htmlFor="connection-type">System</label>
            <select id="connection-type" className="form-input" value={type} onChange={(e) => {
              setType(e.target.value);
              setSettings({});
              setIgnored([]);
              setOutcome(null);
            }}>{types.map((t) => <option key={t.id} value={t.id}>{t.title}</option>)}</select>
          </div>
        )}
        {types.length === 1 && <p className="form-help">{known?.title}: {known?.summary}</p>}
        {known?.address && (
          <AddressField example={known.address} problems={problems.filter((p) => p.path?.field === 'address')} ignored={ignored} disabled={busy} onSplit={split} />
        )}
        {schema && <Form schema={schema} />}
        {schema && known?.signInIf && meets(known.signInIf, membersOf(schema), settings) && <SignIn client={client} connection={connection} disabled={busy} save={keep} />}
        <div className="connection-outcome" role="status">
          {busy && <p className="faint">{outcome.what === 'test' ? 'Trying to connect…' : 'Saving…'}</p>}
          {outcome?.kind === 'split' && <p className="faint">The address is split into the fields; it is not kept.</p>}
          {outcome?.kind === 'reached' && <Reached report={outcome.report} />}
          {loose.length > 0 && <Problems problems={loose} />}
        </div>
        <div className="file-dialog-foot">
          <button type="button" className="form-button" disabled={busy} onClick={() => void test()}>Test</button>
          <span className="space" />
          <button type="button" className="form-button" onClick={close}>{connection !== given ? 'Close' : 'Cancel'}</button>
          <button type="submit" className="form-button primary" disabled={busy}>Save</button>
        </div>
      </form>
    </Dialog></FormContext>
  );
}

/** AddressField takes the address that other programs use; it is split as soon as it is pasted. */
function AddressField({ example, problems, ignored, disabled, onSplit }: { example: string; problems: readonly FlowError[]; ignored: readonly string[]; disabled: boolean; onSplit(address: string): Promise<boolean> }): ReactNode {
  const [address, setAddress] = useState('');
  const split = async (text: string) => {
    if (text.trim() === '') return;
    setAddress((await onSplit(text)) ? '' : text); // one that is refused stays, to be corrected
  };
  return (
    <div className="form-field">
      <label className="form-label" htmlFor="connection-address">Fill in from an address</label>
      <div className="form-path">
        <input id="connection-address" className="form-input" value={address} disabled={disabled} spellCheck={false} autoComplete="off" placeholder={example} aria-describedby="connection-address-help"
          aria-invalid={problems.length > 0 || undefined}
          onChange={(e) => setAddress(e.target.value)}
          onPaste={(e) => {
            if (address !== '') return; // a part is put into what is being written
            e.preventDefault();
            void split(e.clipboardData.getData('text'));
          }}
          onKeyDown={(e) => {
            if (e.key !== 'Enter') return;
            e.preventDefault();
            void split(address);
          }} />
        <button type="button" className="form-button" disabled={disabled || address.trim() === ''} onClick={() => void split(address)}>Split</button>
      </div>
      <Problems problems={problems} />
      {problems.map((p, i) => <Foreign key={i} says={p.params ?? {}} />)}
      <Ignored names={ignored} />
      <p id="connection-address-help" className="form-help">Paste one such as {example}, or the JDBC address of the same system. It is split into the fields below.</p>
    </div>
  );
}

/** Foreign lists what the address of a system says to which no connection can be made. */
function Foreign({ says }: { says: Record<string, unknown> }): ReactNode {
  const fields = (says['fields'] ?? []) as readonly { title: string; value: string }[];
  if (!says['system']) return null;
  return (
    <>
      {fields.length > 0 && (
        <dl className="connection-foreign" aria-label="What the address says">
          {fields.map(({ title, value }) => <div key={title}><dt>{title}</dt><dd>{value}</dd></div>)}
        </dl>
      )}
      <Ignored names={(says['ignored'] ?? []) as readonly string[]} />
    </>
  );
}

/** Ignored names the parameters of an address that have no effect. */
function Ignored({ names }: { names: readonly string[] }): ReactNode {
  if (names.length === 0) return null;
  return <p className="connection-ignored" role="note">Ignored: {names.join(', ')}</p>;
}

/** Reached tells what a test has found; an API may answer that it does not let anybody in. */
function Reached({ report }: { report: ConnectionReport }): ReactNode {
  const refused = (report.status ?? 0) >= 400;
  return (
    <>
      <p className={refused ? 'connection-failed' : 'connection-reached'}><span aria-hidden="true">{refused ? '✕' : '✓'}</span> {reached(report)}</p>
      <Ignored names={report.ignored ?? []} />
      {report.answer && <pre className="connection-answer" tabIndex={0} aria-label="The beginning of the answer">{report.answer}</pre>}
    </>
  );
}

function reached({ place, user, version, took, status, statusText }: ConnectionReport): string {
  return [`Reached ${place}`, status && `${status} ${statusText ?? ''}`.trim(), user && `as ${user}`, version, duration(took / 1e6)].filter(Boolean).join(' · ');
}

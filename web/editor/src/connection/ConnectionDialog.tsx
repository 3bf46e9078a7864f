import { produce } from 'immer';
import { useMemo, useState, type ReactNode } from 'react';
import { ApiError, type Client } from '../api/client';
import type { Catalogue, Connection, ConnectionReport, FlowError } from '../api/types';
import { Dialog } from '../file/Dialog';
import { Form, Problems } from '../form/Field';
import { sentence } from '../form/problem';
import { membersOf, type Schema } from '../form/schema';
import { FormContext, type FormScope } from '../form/scope';
import '../form/form.css';
import './connection.css';
import { duration } from '../live/number';
import type { Config } from '../model/document';

interface Props {
  client: Client;
  catalogue: Catalogue;
  connection: Connection | null; // null: a new one
  onSaved(connection: Connection): void;
  onClose(): void;
}

type Outcome = { kind: 'busy'; what: 'test' | 'save' } | { kind: 'reached'; report: ConnectionReport } | { kind: 'failed'; error: ApiError } | null;

/** ConnectionDialog edits a connection, and tries it before it is saved. */
export function ConnectionDialog({ client, catalogue, connection, onSaved, onClose }: Props): ReactNode {
  const types = catalogue.connections ?? [];
  const [type, setType] = useState(connection?.type ?? types[0]?.id ?? '');
  const [name, setName] = useState(connection?.name ?? '');
  const [settings, setSettings] = useState<Config>(() => (connection?.settings ?? {}) as Config);
  const [outcome, setOutcome] = useState<Outcome>(null);
  const known = types.find((t) => t.id === type);
  const problems = useMemo(() => (outcome?.kind === 'failed' ? problemsOf(outcome.error) : []), [outcome]);
  const busy = outcome?.kind === 'busy';
  const attempt = async (what: 'test' | 'save') => {
    setOutcome({ kind: 'busy', what });
    try {
      const input = { name: what === 'test' && name === '' ? 'connection' : name, type, settings };
      if (what === 'test') setOutcome({ kind: 'reached', report: await client.testConnection({ ...input, ...(connection ? { id: connection.id } : {}) }) });
      else onSaved(connection ? await client.saveConnection(connection, input) : await client.createConnection(input));
    } catch (error) {
      setOutcome({ kind: 'failed', error: error instanceof ApiError ? error : new ApiError(0, 'unknown', String(error)) });
    }
  };
  const scope: FormScope = {
    node: '', config: settings, problems, readOnly: busy, sink: false, catalogue, inputs: [], parameters: [], secrets: connection?.secrets ?? [],
    edit: (_, recipe) => setSettings((now) => produce(now, recipe)), seal: () => {}, undo: () => {}, redo: () => {},
  };
  const schema = known?.schema as Schema | undefined;
  const places = schema ? membersOf(schema).map((m) => m.name) : [];
  const loose = problems.filter((p) => !places.includes(p.path?.field ?? '') && p.path?.field !== 'name');
  return (
    <Dialog title={connection ? `Connection ${connection.name}` : 'New connection'} onClose={onClose}>
      <form className="connection form" onSubmit={(e) => {
        e.preventDefault();
        void attempt('save');
      }}>
        <div className="form-field">
          <label className="form-label" htmlFor="connection-name">Name<span className="form-required" title="Must be filled in"> *</span></label>
          <input id="connection-name" className="form-input" value={name} autoFocus spellCheck={false} autoComplete="off" placeholder="warehouse" onChange={(e) => setName(e.target.value)} />
          <Problems problems={problems.filter((p) => p.path?.field === 'name')} />
          <p className="form-help">Nodes use the connection by this name.</p>
        </div>
        {!connection && types.length > 1 && (
          <div className="form-field">
            <label className="form-label" htmlFor="connection-type">System</label>
            <select id="connection-type" className="form-input" value={type} onChange={(e) => {
              setType(e.target.value);
              setSettings({});
            }}>{types.map((t) => <option key={t.id} value={t.id}>{t.title}</option>)}</select>
          </div>
        )}
        {types.length === 1 && <p className="form-help">{known?.title}: {known?.summary}</p>}
        {schema && <FormContext value={scope}><Form schema={schema} /></FormContext>}
        <div className="connection-outcome" role="status">
          {busy && <p className="faint">{outcome.what === 'test' ? 'Trying to connect…' : 'Saving…'}</p>}
          {outcome?.kind === 'reached' && <p className="connection-reached"><span aria-hidden="true">✓</span> {reached(outcome.report)}</p>}
          {loose.length > 0 && <Problems problems={loose} />}
        </div>
        <div className="file-dialog-foot">
          <button type="button" className="form-button" disabled={busy} onClick={() => void attempt('test')}>Test</button>
          <span className="space" />
          <button type="button" className="form-button" onClick={onClose}>Cancel</button>
          <button type="submit" className="form-button primary" disabled={busy}>Save</button>
        </div>
      </form>
    </Dialog>
  );
}

function reached({ place, user, version, took }: ConnectionReport): string {
  return [`Reached ${place}`, user && `as ${user}`, version, duration(took / 1e6)].filter(Boolean).join(' · ');
}

function problemsOf(error: ApiError): FlowError[] {
  if (error.problems.length > 0) return [...error.problems];
  return [{ code: error.code, message: sentence(error.detail), ...(error.suggestion ? { suggestion: error.suggestion } : {}), ...(error.path ? { path: error.path } : {}) } as FlowError];
}

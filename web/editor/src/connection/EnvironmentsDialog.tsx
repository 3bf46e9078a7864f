import { useState, type ReactNode } from 'react';
import type { Client } from '../api/client';
import type { Environment } from '../api/types';
import { Dialog } from '../file/Dialog';
import { sentence } from '../form/problem';
import '../form/form.css';
import { reasonOf } from '../shell/session';

/** EnvironmentsDialog names the environments of the project. */
export function EnvironmentsDialog({ client, environments, onSaved, onClose }: { client: Client; environments: readonly Environment[]; onSaved(list: readonly Environment[]): void; onClose(): void }): ReactNode {
  const [list, setList] = useState<readonly Environment[]>(() => environments.map((e) => ({ ...e, was: e.name })));
  const [reason, setReason] = useState('');
  const save = () => client.saveEnvironments(list.map((e) => ({ name: e.name, ...(e.default ? { default: true } : {}), ...(e.was && e.was !== e.name ? { was: e.was } : {}) }))).then((saved) => onSaved(saved.items), (error: unknown) => setReason(reasonOf(error)));
  const renamed = list.filter((e) => e.was && e.was !== e.name);
  return (
    <Dialog title="Environments" onClose={onClose}>
      <form className="form flow-settings" onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}>
        <p className="form-help">Flows run in one of them, and connections lead somewhere else in each. The default one is taken where nothing else is said.</p>
        <ul className="environments">
          {list.map((e, i) => (
            <li key={i}>
              <input className="form-input" aria-label={`Name of environment ${i + 1}`} value={e.name} autoFocus={e.name === ''} placeholder="development" spellCheck={false} autoComplete="off"
                onChange={(event) => setList(list.with(i, { ...e, name: event.target.value.trim() }))} />
              <label><input type="radio" name="default-environment" checked={e.default ?? false} onChange={() => setList(list.map(({ default: _, ...o }, n) => ({ ...o, ...(n === i ? { default: true } : {}) })))} /> Default</label>
              <button type="button" className="form-icon" aria-label={`Remove ${e.name || 'the new environment'}`} disabled={e.default ?? false} title={e.default ? 'The default one stays' : 'Remove'} onClick={() => setList(list.toSpliced(i, 1))}>×</button>
            </li>
          ))}
        </ul>
        <button type="button" className="form-button" onClick={() => setList([...list, { name: '' }])}>Add an environment</button>
        {renamed.map((e) => <p key={e.was} className="form-help">{e.was} is renamed: its connections, cursors, runs and the values of parameters go with it.</p>)}
        {reason && <p className="form-problem" role="alert">{sentence(reason)}</p>}
        <div className="file-dialog-foot">
          <span className="space" />
          <button type="button" className="form-button" onClick={onClose}>Cancel</button>
          <button type="submit" className="form-button primary">Save</button>
        </div>
      </form>
    </Dialog>
  );
}

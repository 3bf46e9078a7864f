import { useState, type ReactNode } from 'react';
import type { Client } from '../api/client';
import type { Environment } from '../api/types';
import { Dialog } from '../file/Dialog';
import { sentence } from '../form/problem';
import '../form/form.css';
import { reasonOf } from '../shell/session';

/** EnvironmentsDialog names the environments of the project. */
export function EnvironmentsDialog({ client, environments, onSaved, onClose }: { client: Client; environments: readonly Environment[]; onSaved(list: readonly Environment[]): void; onClose(): void }): ReactNode {
  const [list, setList] = useState<readonly Environment[]>(environments);
  const [reason, setReason] = useState('');
  const save = () => client.saveEnvironments(list).then((saved) => onSaved(saved.items), (error: unknown) => setReason(reasonOf(error)));
  const isOld = (e: Environment) => environments.some((o) => o.name === e.name);
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
              <input className="form-input" aria-label={`Name of environment ${i + 1}`} value={e.name} readOnly={i < environments.length && isOld(e)} autoFocus={e.name === ''} placeholder="development" spellCheck={false} autoComplete="off"
                onChange={(event) => setList(list.with(i, { ...e, name: event.target.value.trim() }))} />
              <label><input type="radio" name="default-environment" checked={e.default ?? false} onChange={() => setList(list.map((o, n) => ({ name: o.name, ...(n === i ? { default: true } : {}) })))} /> Default</label>
              <button type="button" className="form-icon" aria-label={`Remove ${e.name || 'the new environment'}`} disabled={e.default ?? false} title={e.default ? 'The default one stays' : 'Remove'} onClick={() => setList(list.toSpliced(i, 1))}>×</button>
            </li>
          ))}
        </ul>
        <button type="button" className="form-button" onClick={() => setList([...list, { name: '' }])}>Add an environment</button>
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

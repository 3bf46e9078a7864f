import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm } from '../scope';

/** ConnectionWidget names a connection of the project, or makes one. */
export function ConnectionWidget({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const { edit, readOnly, connections, newConnection } = useForm();
  const chosen = String(value ?? '');
  const list = connections ?? [];
  return (
    <div className="form-path">
      <select id={id} className="form-input" value={chosen} disabled={readOnly} aria-describedby={describedBy} aria-invalid={invalid || undefined}
        onChange={(e) => edit(`Set ${member.title}`, (config) => put(config, member.path, e.target.value))}>
        {chosen === '' && <option value="">{connections && list.length === 0 ? 'There is none yet' : 'Choose a connection…'}</option>}
        {chosen !== '' && !list.some((c) => c.name === chosen) && <option value={chosen}>{chosen}</option>}
        {list.map((c) => <option key={c.id} value={c.name}>{c.name} · {c.place}</option>)}
      </select>
      {!readOnly && newConnection && <button type="button" className="form-button" onClick={() => newConnection(member.path)}>New…</button>}
    </div>
  );
}

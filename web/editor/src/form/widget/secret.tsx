import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm } from '../scope';

/** SecretWidget takes a secret. One that is saved is never shown: it stays as it is until another one is typed. */
export function SecretWidget({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const { edit, readOnly, secrets = [] } = useForm();
  const saved = secrets.includes(member.name);
  return (
    <input id={id} className="form-input" type="password" value={typeof value === 'string' ? value : ''} readOnly={readOnly} autoComplete="new-password" spellCheck={false}
      placeholder={saved ? 'Saved; type to replace it' : ''} aria-describedby={describedBy} aria-invalid={invalid || undefined}
      onChange={(e) => edit(`Set ${member.title}`, (config) => put(config, member.path, e.target.value === '' ? undefined : e.target.value), member.path)} />
  );
}

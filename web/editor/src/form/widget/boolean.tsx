import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm } from '../scope';

export function BooleanWidget({ member, value, id, describedBy }: WidgetProps): ReactNode {
  const { edit, readOnly } = useForm();
  const on = Boolean(value ?? member.fallback);
  return (
    <span className="form-switch">
      <input id={id} type="checkbox" role="switch" checked={on} disabled={readOnly} aria-describedby={describedBy}
        onChange={(e) => edit(`Set ${member.title}`, (config) => put(config, member.path, e.target.checked))} />
      <span aria-hidden="true">{on ? 'On' : 'Off'}</span>
    </span>
  );
}

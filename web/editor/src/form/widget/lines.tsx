import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm } from '../scope';

/** LinesWidget edits a text of several lines, such as SQL of a database. */
export function LinesWidget({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const { edit, seal, readOnly } = useForm();
  const text = String(value ?? '');
  return (
    <textarea id={id} className="form-input form-lines" rows={Math.min(12, Math.max(2, text.split('\n').length))} value={text} readOnly={readOnly} spellCheck={false} placeholder={member.example}
      aria-describedby={describedBy} aria-invalid={invalid || undefined}
      onChange={(e) => edit(`Set ${member.title}`, (config) => put(config, member.path, e.target.value === '' && !member.required ? undefined : e.target.value), member.path)} onBlur={seal} />
  );
}

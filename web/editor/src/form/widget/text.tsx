import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm } from '../scope';
import { ReferenceText } from '../../parameter/ReferenceText';

/** TextWidget edits a text. An emptied one is left out where nothing demands it. */
export function TextWidget({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const { edit, seal, readOnly } = useForm();
  const text = typeof value === 'string' ? value : value === undefined ? String(member.fallback ?? '') : JSON.stringify(value);
  const change = (next: string) => {
    const drop = next === '' && !member.required && (member.fallback ?? '') === '';
    edit(`Set ${member.title}`, (config) => put(config, member.path, drop ? undefined : next), member.path);
  };
  return (
    <ReferenceText value={text} secrets={member.schema['x-secrets'] === 'true'} onText={change}
      control={{ id, className: 'form-input', type: 'text', readOnly, spellCheck: false, autoComplete: 'off', placeholder: member.example, 'aria-describedby': describedBy, 'aria-invalid': invalid || undefined, 'aria-required': member.required || undefined, onBlur: seal }} />
  );
}

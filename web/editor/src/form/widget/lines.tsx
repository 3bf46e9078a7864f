import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm } from '../scope';
import { ReferenceText } from '../../parameter/ReferenceText';

/** LinesWidget edits a text of several lines, such as SQL of a database. */
export function LinesWidget({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const { edit, seal, readOnly } = useForm();
  const text = String(value ?? '');
  return (
    <ReferenceText value={text} lines={Math.min(16, Math.max(2, lines(text)))} secrets={member.schema['x-secrets'] === 'true'}
      onText={(next) => edit(`Set ${member.title}`, (config) => put(config, member.path, next === '' && !member.required ? undefined : next), member.path)}
      control={{ id, className: 'form-input form-lines', readOnly, spellCheck: false, placeholder: member.example, 'aria-describedby': describedBy, 'aria-invalid': invalid || undefined, onBlur: seal }} />
  );
}

const width = 36; // characters of a line in the narrowest panel

/** lines counts what is seen of a text, whose long lines are broken. */
function lines(text: string): number {
  return text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
}

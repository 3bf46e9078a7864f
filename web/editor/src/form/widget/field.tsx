import { useId, type ReactNode } from 'react';
import { Combo, type Choice } from '../Combo';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { problemsAt } from '../problem';
import { Problems } from '../Field';
import { fieldsFor, useForm } from '../scope';

const unknown = 'The fields are not known yet: connect the input';

/** FieldWidget names one field of the input. */
export function FieldWidget({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const form = useForm();
  const set = (name: string, burst?: string) => form.edit(`Set ${member.title}`, (config) => put(config, member.path, name), burst);
  return (
    <Combo id={id} value={String(value ?? '')} readOnly={form.readOnly} invalid={invalid} describedBy={describedBy} placeholder={member.example || 'Choose a field'} nothing={unknown}
      choices={fieldsFor(form, member.name).map((f) => ({ value: f.name, detail: f.type }))}
      onType={(name) => set(name, member.path)} onChoose={(name) => set(name)} onBlur={form.seal} />
  );
}

/** FieldNamesWidget collects fields of the input. */
export function FieldNamesWidget(props: WidgetProps): ReactNode {
  const choices = fieldsFor(useForm(), props.member.name).map((f) => ({ value: f.name, detail: f.type }));
  return <NamesWidget {...props} what="field" choices={choices} nothing={unknown} />;
}

/** NamesWidget collects names; any may be typed. */
export function NamesWidget({ member, value, id, what, choices, nothing }: WidgetProps & { what: string; choices: readonly Choice[]; nothing: string }): ReactNode {
  const form = useForm();
  const names = Array.isArray(value) ? value.map(String) : [];
  const write = (label: string, next: string[]) => form.edit(label, (config) => put(config, member.path, next.length > 0 || member.required ? next : undefined));
  const input = useId();
  return (
    <div className="form-names" id={id}>
      {names.length > 0 && (
        <ul className="form-chips">
          {names.map((name, i) => (
            <li key={name + i} className="form-chip" data-path={`${member.path}[${i}]`} data-invalid={problemsAt(form.problems, `${member.path}[${i}]`).length > 0 || undefined}>
              <span>{name}</span>
              {!form.readOnly && <button type="button" aria-label={`Remove ${name}`} onClick={() => write(`Remove ${name}`, names.filter((_, j) => j !== i))}>×</button>}
            </li>
          ))}
        </ul>
      )}
      {names.map((_, i) => <Problems key={i} problems={problemsAt(form.problems, `${member.path}[${i}]`)} />)}
      {!form.readOnly && (
        <Combo id={input} label={`Add a ${what} to ${member.title}`} value="" clears placeholder={`Add a ${what}`} nothing={nothing} what={what}
          choices={choices.filter((c) => !names.includes(c.value))} onChoose={(name) => write(`Add ${name}`, [...names, name])} />
      )}
    </div>
  );
}

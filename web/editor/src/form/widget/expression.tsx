import type { ReactNode } from 'react';
import { ExpressionField } from '../../expression/ExpressionField';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { problemsAt } from '../problem';
import { expressionScope, fieldsFor, inputsFor, useForm } from '../scope';
import { quoteName, unquoteName } from '../../expression/token';

/** ExpressionWidget edits an expression. One that sees a single named input, as a key of a join does, also has a field picker. */
export function ExpressionWidget(props: WidgetProps): ReactNode {
  const form = useForm();
  const own = inputsFor(form, props.member.name);
  const keyed = form.inputs.length > 1 && own.length === 1 && own[0]!.port === props.member.name;
  return keyed ? <Keyed {...props} /> : <Plain {...props} />;
}

export function Plain({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const form = useForm();
  return (
    <ExpressionField id={id} value={String(value ?? '')} readOnly={form.readOnly} placeholder={member.example} label={member.title}
      describedBy={describedBy} invalid={invalid} problems={problemsAt(form.problems, member.path)}
      scope={expressionScope(form, member.name, member.widget === 'aggregate')}
      onChange={(next) => form.edit(`Set ${member.title}`, (config) => put(config, member.path, next), member.path)}
      onBlur={form.seal} onUndo={form.undo} onRedo={form.redo} />
  );
}

function Keyed(props: WidgetProps): ReactNode {
  const { member, value } = props;
  const form = useForm();
  const fields = fieldsFor(form, member.name);
  const name = unquoteName(String(value ?? '')) ?? '';
  const known = fields.some((f) => f.name === name);
  return (
    <div className="form-keyed">
      <select className="form-input" aria-label={`${member.title}: choose a field`} value={known ? name : ''} disabled={form.readOnly || fields.length === 0}
        onChange={(e) => form.edit(`Set ${member.title}`, (config) => put(config, member.path, quoteName(e.target.value)))}>
        {!known && <option value="">{fields.length === 0 ? 'Fields not known' : 'Choose a field…'}</option>}
        {fields.map((f) => <option key={f.name} value={f.name}>{f.name} · {f.type}</option>)}
      </select>
      <Plain {...props} />
    </div>
  );
}

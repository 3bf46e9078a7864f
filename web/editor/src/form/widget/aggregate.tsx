import type { ReactNode } from 'react';
import { quoteName, tokenize, unquoteName } from '../../expression/token';
import type { ExpressionFunction } from '../../api/types';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { fieldsFor, useForm } from '../scope';
import { Plain } from './expression';

export interface Simple {
  name: string; // of the function
  field: string; // '' for count()
}

/** simpleOf reads `function(field)`; undefined for everything that the quick builder cannot say. */
export function simpleOf(expression: string): Simple | undefined {
  const tokens = tokenize(expression);
  if (tokens[0]?.kind !== 'function' || tokens[1]?.text !== '(' || tokens.at(-1)?.text !== ')') return undefined;
  const name = tokens[0].text.toLowerCase();
  if (tokens.length === 3) return { name, field: '' };
  const field = tokens.length === 4 ? unquoteName(tokens[2]!.text) : undefined;
  return field === undefined ? undefined : { name, field };
}

export function writeSimple({ name, field }: Simple): string {
  return `${name}(${field ? quoteName(field) : ''})`;
}

/** builderFunctions are the aggregates that take one field or nothing. */
export function builderFunctions(functions: readonly ExpressionFunction[]): string[] {
  return functions.filter((f) => f.aggregate && !f.operator && f.signatures.some((s) => /^\([^,]*\)/.test(s)) && !/_if$/.test(f.name)).map((f) => f.name);
}

/** AggregateWidget builds function and field, or takes any expression over a group; the expression is what is saved. */
export function AggregateWidget(props: WidgetProps): ReactNode {
  const { member, value } = props;
  const form = useForm();
  const expression = String(value ?? '');
  const simple = simpleOf(expression);
  const names = builderFunctions(form.catalogue.functions);
  const fields = fieldsFor(form, member.name);
  const write = (next: Simple) => form.edit(`Set ${member.title}`, (config) => put(config, member.path, writeSimple(next)));
  const chosen = simple && names.includes(simple.name) ? simple.name : '';
  return (
    <div className="form-aggregate">
      <div className="form-builder">
        <select className="form-input" aria-label="Function" value={chosen} disabled={form.readOnly} onChange={(e) => write({ name: e.target.value, field: simple?.field ?? '' })}>
          {chosen === '' && <option value="">{expression ? 'Own expression' : 'Choose a function…'}</option>}
          {names.map((n) => <option key={n} value={n}>{n}</option>)}
        </select>
        <span aria-hidden="true">of</span>
        <select className="form-input" aria-label="Field" value={simple?.field ?? ''} disabled={form.readOnly || !chosen} onChange={(e) => write({ name: chosen, field: e.target.value })}>
          <option value="">{chosen === 'count' ? 'all records' : 'Choose a field…'}</option>
          {simple?.field && !fields.some((f) => f.name === simple.field) && <option value={simple.field}>{simple.field}</option>}
          {fields.map((f) => <option key={f.name} value={f.name}>{f.name} · {f.type}</option>)}
        </select>
      </div>
      <Plain {...props} />
    </div>
  );
}

import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import type { Member } from '../schema';
import { useForm } from '../scope';
import { BooleanWidget } from './boolean';
import { NumberWidget } from './number';
import { TextWidget } from './text';

/** referenceOf is the way in which a value comes from elsewhere; undefined for a literal. */
export function referenceOf(value: unknown): { kind: 'parameter' | 'expression' | 'secret'; name: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const kind of ['parameter', 'expression', 'secret'] as const) {
    const name = (value as Record<string, unknown>)[kind];
    if (typeof name === 'string') return { kind, name };
  }
  return undefined;
}

/** ValueWidget edits a literal, or names the parameter of the run that the value comes from. */
export function ValueWidget(props: WidgetProps): ReactNode {
  const { member, value, id } = props;
  const { parameters, readOnly, edit } = useForm();
  const reference = referenceOf(value);
  const Literal = literalWidget(member);
  const set = (next: unknown) => edit(`Set ${member.title}`, (config) => put(config, member.path, next));
  return (
    <div className="form-value">
      {reference?.kind === 'parameter' || (reference && parameters.length > 0)
        ? (
          <select id={id} className="form-input" value={reference.name} disabled={readOnly} aria-describedby={props.describedBy} onChange={(e) => set({ parameter: e.target.value })}>
            {!parameters.some((p) => p.name === reference.name) && <option value={reference.name}>{reference.kind === 'parameter' ? '$' : ''}{reference.name}</option>}
            {parameters.map((p) => <option key={p.name} value={p.name}>${p.name} · {p.type}</option>)}
          </select>
        )
        : reference ? <input id={id} className="form-input" readOnly value={reference.name} /> : <Literal {...props} />}
      {(reference || parameters.length > 0) && !readOnly && (
        <button type="button" className="form-button" onClick={() => set(reference ? member.fallback : { parameter: parameters[0]!.name })}>
          {reference ? 'Use a value' : 'Use a parameter'}
        </button>
      )}
    </div>
  );
}

function literalWidget(member: Member) {
  if (member.schema.type === 'boolean') return BooleanWidget;
  return member.schema.type === 'integer' || member.schema.type === 'number' ? NumberWidget : TextWidget;
}

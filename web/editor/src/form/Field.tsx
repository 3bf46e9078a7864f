import { useId, type ReactNode } from 'react';
import type { FlowError } from '../api/types';
import { applyProposal, problemsAt, proposal, sentence } from './problem';
import { shown, membersOf, type Member, type Schema } from './schema';
import { useForm } from './scope';
import { valueAt } from './path';
import { usable, UseParameter, Bound, referenceOf } from '../parameter/UseParameter';
import { widgetFor } from './widgets';

export interface WidgetProps {
  member: Member;
  value: unknown; // what is set; undefined where nothing is
  id: string; // of the control that the label names
  describedBy: string | undefined;
  invalid: boolean;
}

/** Form shows the members of an object schema: what is advanced is folded away, unless a problem stands there. */
export function Form({ schema, base = '' }: { schema: Schema; base?: string }): ReactNode {
  const { config, problems } = useForm();
  const members = membersOf(schema, base);
  const visible = members.filter((m) => shown(m, members, config));
  const advanced = visible.filter((m) => m.advanced);
  const open = advanced.some((m) => problems.some((p) => p.path?.field?.startsWith(m.path)));
  return (
    <>
      {visible.filter((m) => !m.advanced).map((m) => <FormField key={m.path} member={m} />)}
      {advanced.length > 0 && (
        <details className="form-more" open={open || undefined}>
          <summary>More settings</summary>
          {advanced.map((m) => <FormField key={m.path} member={m} />)}
        </details>
      )}
    </>
  );
}

/** FormField is one setting: its label, its widget, help, and the problems that stand there. */
export function FormField({ member, bare = false }: { member: Member; bare?: boolean }): ReactNode {
  const { config, problems } = useForm();
  const id = useId();
  const here = problemsAt(problems, member.path);
  const { Widget, group } = widgetFor(member);
  const help = member.help && !bare ? `${id}-help` : undefined;
  const told = here.length > 0 ? `${id}-problem` : undefined;
  const described = [told, help].filter(Boolean).join(' ') || undefined;
  const value = valueAt(config, member.path);
  const bound = referenceOf(value);
  const props = { member, id, value, describedBy: described, invalid: here.some(isError) };
  const label = <>{member.title}{member.required && <span className="form-required" title="Must be filled in"> *</span>}</>;
  return (
    <div className="form-field" data-path={member.path} data-invalid={props.invalid || undefined}
      {...(group ? { role: 'group', 'aria-labelledby': `${id}-label`, 'aria-describedby': described } : {})}>
      <div className="form-head">
        {group
          ? <span id={`${id}-label`} className="form-label">{label}</span>
          : <label htmlFor={id} id={`${id}-label`} className="form-label">{label}</label>}
        {!bound && usable(member) && <UseParameter member={member} control={id} value={value} />}
      </div>
      {bound ? <Bound member={member} id={id} reference={bound} describedBy={described} /> : <Widget {...props} />}
      <Problems id={told} problems={here} />
      {help && <p id={help} className="form-help">{member.help}</p>}
    </div>
  );
}

function isError(problem: FlowError): boolean {
  return problem.severity !== 'warning';
}

/** Problems tells what is wrong at a setting; a proposed word has a button that puts it in place. */
export function Problems({ id, problems }: { id?: string | undefined; problems: readonly FlowError[] }): ReactNode {
  if (problems.length === 0) return null;
  return (
    <div id={id} className="form-problems">
      {problems.map((p, i) => (
        <p key={i} className="form-problem" data-severity={p.severity ?? 'error'}>
          <span aria-hidden="true">{isError(p) ? '✕' : '▲'}</span>
          <span>
            <span className="visually-hidden">{isError(p) ? 'Error: ' : 'Warning: '}</span>
            {sentence(p.message)} <Suggestion problem={p} />
          </span>
        </p>
      ))}
    </div>
  );
}

function Suggestion({ problem }: { problem: FlowError }): ReactNode {
  const { edit, readOnly } = useForm();
  if (!problem.suggestion) return null;
  const word = proposal(problem);
  return (
    <>
      {sentence(problem.suggestion)}
      {word !== undefined && !readOnly && (
        <button type="button" className="form-apply" onClick={() => edit('Take the suggestion', (config) => applyProposal(config, problem))}>
          Use {word}
        </button>
      )}
    </>
  );
}

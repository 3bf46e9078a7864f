import { useRef, useState, type ReactNode } from 'react';
import { put } from '../form/path';
import type { Member } from '../form/schema';
import { useForm } from '../form/scope';
import { fitting, isList } from './parameter';
import type { Parameter } from '../model/document';
import './parameter.css';

/** referenceOf is where a whole setting comes from; undefined for a literal. */
export function referenceOf(value: unknown): { kind: 'parameter' | 'expression' | 'secret'; name: string } | undefined {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return undefined;
  for (const kind of ['parameter', 'expression', 'secret'] as const) {
    const name = (value as Record<string, unknown>)[kind];
    if (typeof name === 'string') return { kind, name };
  }
  return undefined;
}

const texts = new Set(['text', 'path', 'sql', 'multiline', 'field', 'connection', 'table']);
const whole = new Set(['number', 'boolean', 'enum']);

/** usable tells whether a setting takes a parameter by this button: expressions name theirs themselves. */
export function usable(member: Member): boolean {
  return whole.has(member.widget) || texts.has(member.widget) || member.widget === 'texts' || member.widget === 'fieldnames' || (member.schema.type === 'string' && !named.has(member.widget));
}

const named = new Set(['expression', 'condition', 'aggregate', 'secret', 'type']);

/** UseParameter puts a parameter into a setting: as the whole of it, or where the cursor stands in a text. */
export function UseParameter({ member, control, value }: { member: Member; control: string; value: unknown }): ReactNode {
  const { parameters, readOnly, edit, seal } = useForm();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const fits = fitting(member.schema, parameters);
  if (readOnly || fits.length === 0) return null;
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const use = (p: Parameter) => {
    edit(`Use the parameter ${p.name}`, (config) => put(config, member.path, filled(member, value, p, document.getElementById(control))));
    seal();
    close();
  };
  return (
    <span className="form-bound" onKeyDown={(e) => {
      if (e.key !== 'Escape' || !open) return;
      e.stopPropagation();
      close();
    }}>
      {open && <span className="form-uses" role="group" aria-label={`Parameters for ${member.title}`}>{fits.map((p, i) => (
        <button key={p.name} type="button" className="form-button" autoFocus={i === 0} title={p.title || p.type} onClick={() => use(p)}>${p.name}</button>
      ))}</span>}
      <button ref={button} type="button" className="form-use" aria-expanded={open} aria-label={`Use a parameter for ${member.title}`} title="Use a parameter" onClick={() => setOpen(!open)}>{open ? '×' : '${ }'}</button>
    </span>
  );
}

function filled(member: Member, value: unknown, p: Parameter, control: HTMLElement | null): unknown {
  const { name } = p;
  const reference = `\${${name}}`;
  if (member.schema.type === 'array' && isList(p)) return { parameter: name };
  if (member.schema.type === 'array') return [...(Array.isArray(value) ? (value as unknown[]) : []), reference];
  if (whole.has(member.widget)) return { parameter: name };
  const text = typeof value === 'string' ? value : '';
  if (control instanceof HTMLSelectElement) return reference;
  const caret = control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement ? control : null;
  const [from, to] = caret && caret.value === text && caret.selectionStart !== null ? [caret.selectionStart, caret.selectionEnd ?? caret.selectionStart] : [text.length, text.length];
  const started = text.slice(0, from).endsWith('${') ? from - 2 : from;
  return text.slice(0, started) + reference + text.slice(to);
}

/** Bound shows the parameter that a whole setting comes from. */
export function Bound({ member, id, reference, describedBy }: { member: Member; id: string; reference: { kind: string; name: string }; describedBy: string | undefined }): ReactNode {
  const { readOnly, edit } = useForm();
  return (
    <span id={id} className="form-chips" role="group" aria-label={`${member.title} comes from the ${reference.kind} ${reference.name}`} aria-describedby={describedBy}>
      <span className="form-chip"><span>{reference.kind === 'parameter' ? '$' : ''}{reference.name}</span>
        {!readOnly && <button type="button" aria-label={`Use a value for ${member.title}`} title="Use a value" onClick={() => edit(`Set ${member.title}`, (config) => put(config, member.path, member.fallback))}>×</button>}
      </span>
    </span>
  );
}

import { useState, type KeyboardEvent, type ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm } from '../scope';

/** readNumber reads what was typed: a number, nothing, or the sentence that says why it is neither. */
export function readNumber(text: string, whole: boolean): { value: number | undefined } | { wrong: string } {
  const plain = text.replace(/[\s_,]/g, '');
  if (plain === '') return { value: undefined };
  if (!(whole ? /^[+-]?\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i).test(plain)) return { wrong: whole ? 'Write a whole number.' : 'Write a number.' };
  const value = Number(plain);
  if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) return { wrong: 'The number is too large.' };
  return { value };
}

/** shownNumber writes a number of a config; one beyond JavaScript's digits has kept its text. */
function shownNumber(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'rawJSON' in value) return String(value.rawJSON);
  return value === undefined || value === null ? '' : String(value);
}

function sameNumber(text: string, value: unknown): boolean {
  const read = readNumber(text, false);
  return 'value' in read && read.value === (value ?? undefined);
}

/** NumberWidget keeps what is being typed until it is a number; only numbers reach the document. */
export function NumberWidget({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const { edit, seal, readOnly } = useForm();
  const [typed, setTyped] = useState<{ text: string; wrong?: string } | null>(null);
  const change = (text: string) => {
    const read = readNumber(text, member.schema.type !== 'number');
    setTyped('wrong' in read ? { text, wrong: read.wrong } : { text });
    if ('value' in read) edit(`Set ${member.title}`, (config) => put(config, member.path, read.value), member.path);
  };
  const kept = typed && (typed.wrong !== undefined || sameNumber(typed.text, value)); // else an undo has changed the value
  const undo = (e: KeyboardEvent) => {
    if (!typed?.wrong || !(e.ctrlKey || e.metaKey) || e.key.toLowerCase() !== 'z' || e.shiftKey) return;
    e.preventDefault(); // what is no number is not in the flow yet: there is nothing else to take back
    setTyped(null);
  };
  const leave = () => {
    if (!typed?.wrong) setTyped(null);
    seal();
  };
  return (
    <>
      <input id={id} className="form-input form-number" type="text" inputMode="numeric" value={kept ? typed.text : shownNumber(value ?? member.fallback)} readOnly={readOnly}
        placeholder={member.example} autoComplete="off" aria-describedby={describedBy} aria-invalid={invalid || typed?.wrong !== undefined || undefined}
        onChange={(e) => change(e.target.value)} onBlur={leave} onKeyDown={undo} />
      {typed?.wrong && <p className="form-problem" data-severity="error" role="alert"><span aria-hidden="true">✕</span>{typed.wrong}</p>}
    </>
  );
}

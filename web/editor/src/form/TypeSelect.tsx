import { type ReactNode } from 'react';
import { digitsOf, kindOf, kinds, typeWith } from './type';

interface Props {
  label: string;
  type: string;
  readOnly?: boolean;
  onChange(type: string, typing: boolean): void;
  onBlur?(): void;
}

/** TypeSelect chooses a value type. Decimals have their digits; lists and structs are written as text. */
export function TypeSelect({ label, type, readOnly = false, onChange, onBlur }: Props): ReactNode {
  const kind = kindOf(type);
  const listed = kinds.some((k) => k.kind === kind);
  const digits = digitsOf(type);
  const digit = (name: 'precision' | 'scale', title: string) => (
    <input className="form-input form-digits" type="number" min={name === 'scale' ? 0 : 1} max={38} value={digits[name]} aria-label={`${label}: ${title}`} title={title}
      readOnly={readOnly} onBlur={onBlur} onChange={(e) => onChange(typeWith('decimal', { ...digits, [name]: e.target.valueAsNumber || 0 }), true)} />
  );
  return (
    <span className="form-type">
      <select className="form-input" aria-label={label} disabled={readOnly} value={listed ? kind : type === '' ? '' : 'other'}
        onChange={(e) => onChange(e.target.value === 'other' ? 'list<text>' : typeWith(e.target.value), false)}>
        {type === '' && <option value="">Choose a type…</option>}
        {kinds.map((k) => <option key={k.kind} value={k.kind}>{k.title} · {k.kind}</option>)}
        <option value="other">List or struct…</option>
      </select>
      {kind === 'decimal' && <>{digit('precision', 'digits in all')}{digit('scale', 'digits after the point')}</>}
      {!listed && type !== '' && (
        <input className="form-input" aria-label={`${label}: type as text`} value={type} readOnly={readOnly} spellCheck={false} onBlur={onBlur} onChange={(e) => onChange(e.target.value, true)} />
      )}
    </span>
  );
}

import { useEffect, useId, useLayoutEffect, useRef, useState, type ComponentProps, type KeyboardEvent, type ReactNode } from 'react';
import { useForm } from '../form/scope';
import { choicesOf, partsOf, writtenAt } from './reference';
import './parameter.css';

type Control = HTMLInputElement | HTMLTextAreaElement;

interface Props {
  value: string;
  lines?: number; // of a text of several lines
  secrets?: boolean; // secret parameters may stand there
  onText(text: string): void;
  control: Omit<ComponentProps<'input'>, 'value' | 'onChange' | 'ref' | 'onKeyDown' | 'onSelect' | 'onScroll'>;
}

/**
 * ReferenceText is a text of a setting. Where ${ is typed it lists the flow's parameters: arrows move, Enter and Tab choose,
 * Esc closes. A reference to a parameter that there is not is marked where it stands.
 */
export function ReferenceText({ value, lines, secrets = false, onText, control }: Props): ReactNode {
  const { parameters } = useForm();
  const list = useId();
  const field = useRef<Control>(null);
  const [cursor, setCursor] = useState<number | null>(null); // null: nothing is offered
  const [active, setActive] = useState(0);
  const [scrolled, setScrolled] = useState({ left: 0, top: 0 });
  const go = useRef<number | null>(null); // where the cursor goes once the text is there
  const written = cursor === null || control.readOnly ? undefined : writtenAt(value, cursor);
  const found = written ? choicesOf(parameters, written.typed, secrets) : [];
  const at = Math.min(active, found.length - 1);
  useLayoutEffect(() => {
    if (go.current === null) return;
    field.current?.setSelectionRange(go.current, go.current);
    go.current = null;
  }, [value]);
  useEffect(() => {
    if (written) document.getElementById(`${list}-${at}`)?.scrollIntoView?.({ block: 'nearest' });
  }, [list, at, written]);
  const choose = (i: number) => {
    const choice = found[i];
    if (!choice || !written || choice.refused) return;
    const text = `\${${choice.name}}`;
    go.current = written.from + text.length;
    setCursor(null);
    onText(value.slice(0, written.from) + text + value.slice(written.to));
    field.current?.focus();
  };
  const key = (e: KeyboardEvent) => {
    if (!written || found.length === 0) return;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') setActive((at + (e.key === 'ArrowDown' ? 1 : -1) + found.length) % found.length);
    else if (e.key === 'Enter' || (e.key === 'Tab' && !e.shiftKey && !found[at]!.refused)) choose(at);
    else if (e.key === 'Escape') setCursor(null);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const props = {
    ...control, value, onKeyDown: key, role: parameters.length > 0 ? 'combobox' : undefined,
    ...(parameters.length > 0 ? { 'aria-expanded': found.length > 0, 'aria-controls': list, 'aria-autocomplete': 'list' as const, 'aria-activedescendant': found.length > 0 ? `${list}-${at}` : undefined } : {}),
    onChange: (e: { target: Control }) => {
      setActive(0);
      setCursor(e.target.selectionStart);
      onText(e.target.value);
    },
    onSelect: (e: { currentTarget: Control }) => {
      if (cursor !== null) setCursor(e.currentTarget.selectionStart);
    },
    onScroll: (e: { currentTarget: Control }) => setScrolled({ left: e.currentTarget.scrollLeft, top: e.currentTarget.scrollTop }),
    onBlur: (e: never) => {
      setCursor(null);
      control.onBlur?.(e);
    },
  };
  const parts = value.includes('${') ? partsOf(value, parameters) : [];
  return (
    <span className="form-reference">
      {lines === undefined
        ? <input ref={field as never} {...(props as ComponentProps<'input'>)} />
        : <textarea ref={field as never} rows={lines} {...(props as unknown as ComponentProps<'textarea'>)} role={undefined} aria-expanded={undefined} aria-haspopup={parameters.length > 0 ? 'listbox' : undefined} />}
      {parts.some((p) => p.unknown) && (
        <span className={`form-marks ${control.className ?? ''}`} data-lines={lines !== undefined || undefined} aria-hidden="true">
          <span style={{ transform: `translate(${-scrolled.left}px, ${-scrolled.top}px)` }}>{parts.map((p, i) => (p.unknown ? <mark key={i}>{p.text}</mark> : <span key={i}>{p.text}</span>))}</span>
        </span>
      )}
      <ul id={list} role="listbox" className="form-choices" hidden={found.length === 0} aria-label="Parameters">
        {found.map((c, i) => (
          <li key={c.name} id={`${list}-${i}`} role="option" aria-selected={i === at} aria-disabled={c.refused || undefined} className="form-choice" onPointerDown={(e) => e.preventDefault()} onClick={() => choose(i)}>
            <span>{`\${${c.name}}`}</span><span className="form-choice-detail">{c.detail}</span>
          </li>
        ))}
      </ul>
    </span>
  );
}

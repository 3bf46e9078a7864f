import { useEffect, useRef, useState, type ReactNode } from 'react';
import { flushSync } from 'react-dom';
import type { FlowError } from '../api/types';
import type { Scope } from './completion';
import type { Handle } from './codemirror';
import './expression.css';

export interface ExpressionProps {
  id: string;
  label: string;
  value: string;
  scope: Scope;
  problems: readonly FlowError[];
  placeholder?: string;
  readOnly?: boolean;
  invalid?: boolean;
  describedBy?: string | undefined;
  onChange(value: string): void;
  onBlur(): void;
  onUndo(): void;
  onRedo(): void;
}

/**
 * ExpressionField edits an expression. It is a plain text area until the code editor has loaded, and stays one if that
 * fails: nothing of the form depends on it.
 */
export function ExpressionField(props: ExpressionProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const [handle, setHandle] = useState<Handle | null>(null);
  useEffect(() => {
    let gone = false;
    let made: Handle | undefined;
    import('./codemirror').then(({ mountExpression }) => {
      if (gone || !host.current) return;
      const cursor = document.activeElement === area.current ? (area.current?.selectionStart ?? 0) : undefined;
      made = mountExpression(host.current, () => latest.current, cursor);
      flushSync(() => setHandle(made!)); // at once: who comes to the text area in between would lose the keyboard with it
    }).catch(() => undefined); // the text area stays
    return () => {
      gone = true;
      made?.destroy();
    };
  }, []);
  useEffect(() => handle?.update(), [handle, props.value, props.problems, props.readOnly, props.invalid, props.describedBy]);
  return (
    <div className="expression" data-invalid={props.invalid || undefined}>
      {!handle && (
        <textarea ref={area} id={props.id} className="form-input expression-plain" rows={1} value={props.value} readOnly={props.readOnly} spellCheck={false}
          placeholder={props.placeholder} aria-describedby={props.describedBy} aria-invalid={props.invalid || undefined} aria-label={props.label}
          onChange={(e) => props.onChange(e.target.value)} onBlur={props.onBlur} />
      )}
      <div ref={host} />
    </div>
  );
}

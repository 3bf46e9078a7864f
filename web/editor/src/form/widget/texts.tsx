import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm } from '../scope';
import { ReferenceText } from '../../parameter/ReferenceText';

/** TextsWidget edits a list of texts, each on its own line; an empty text is a value like any other. */
export function TextsWidget({ member, value, id }: WidgetProps): ReactNode {
  const { edit, seal, readOnly } = useForm();
  const texts = (Array.isArray(value) ? value : Array.isArray(member.fallback) ? member.fallback : []).map(String);
  const write = (label: string, next: string[], burst?: string) => edit(label, (config) => put(config, member.path, next), burst);
  return (
    <div className="form-texts" id={id}>
      {texts.map((text, i) => (
        <span key={i} className="form-text-row" data-path={`${member.path}[${i}]`}>
          <ReferenceText value={text} onText={(next) => write(`Set ${member.title}`, texts.with(i, next), `${member.path}[${i}]`)}
            control={{ className: 'form-input', 'aria-label': `${member.title} ${i + 1}`, placeholder: 'empty text', readOnly, spellCheck: false, onBlur: seal }} />
          {!readOnly && <button type="button" className="form-icon" aria-label={`Remove ${member.title} ${i + 1}`} onClick={() => write(`Remove from ${member.title}`, texts.toSpliced(i, 1))}>×</button>}
        </span>
      ))}
      {!readOnly && <button type="button" className="form-button" onClick={() => write(`Add to ${member.title}`, [...texts, ''])}>Add {/fields$/i.test(member.title) ? 'a field' : 'a value'}</button>}
    </div>
  );
}

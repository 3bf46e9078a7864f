import { useState, type ReactNode } from 'react';
import { Dialog } from '../file/Dialog';
import { sentence } from '../form/problem';
import '../form/form.css';
import type { FlowError } from '../api/types';
import type { Parameter } from '../model/document';
import { useEditor, useServices } from '../shell/editor';
import { exampleOf, needsValue, rememberedValues, rememberValues, textOf, wrongValue } from './parameter';
import './parameter.css';

/** RunDialog asks for the values of a run. */
export function RunDialog(): ReactNode {
  const asked = useEditor((s) => s.asking);
  return asked ? <Values key={String(asked.until)} until={asked.until} sample={asked.sample ?? false} /> : null;
}

function Values({ until, sample }: { until: string | undefined; sample: boolean }): ReactNode {
  const { editor, session, view } = useServices();
  const parameters = useEditor((s) => s.document.parameters) ?? [];
  const environment = useEditor((s) => s.environment);
  const [values, setValues] = useState<Record<string, string>>(() => rememberedValues(session.flow, parameters));
  const [problems, setProblems] = useState<readonly FlowError[]>([]);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const close = () => {
    editor.set({ asking: null });
    view.takeFocus();
  };
  const given = Object.fromEntries(parameters.flatMap((p) => {
    const value = values[p.name];
    return value === undefined || (value === '' && p.type !== 'text') || (value === '' && p.secret) ? [] : [[p.name, value]];
  }));
  const wrong = (p: Parameter) => {
    const value = given[p.name];
    if (value === undefined) return needsValue(p, environment) ? 'A run has to give a value.' : '';
    return wrongValue(value, p.type);
  };
  const start = async () => {
    setTried(true);
    const first = parameters.findIndex((p) => wrong(p) !== '');
    if (first >= 0) return document.getElementById(`run-value-${first}`)?.focus();
    setBusy(true);
    rememberValues(session.flow, parameters, given);
    editor.set({ given: rememberedValues(session.flow, parameters) });
    const refused = await session.run(until, given, sample);
    setBusy(false);
    const here = refused.filter((p) => p.path?.field?.startsWith('parameters'));
    if (here.length === 0) return close();
    setProblems(here);
  };
  return (
    <Dialog title={sample ? 'Run on the sample with values: nothing is written' : until ? 'Run to here with values' : 'Run with values'} onClose={close}>
      <form className="form flow-settings" onKeyDown={(e) => e.stopPropagation()} onSubmit={(e) => {
        e.preventDefault();
        void start();
      }}>
        {parameters.map((p, i) => {
          const mine = tried ? wrong(p) : '';
          const told = problems.filter((x) => x.path?.column === p.name);
          return (
            <div key={p.name} className="form-field">
              <label className="form-label" htmlFor={`run-value-${i}`}>{p.title || p.name}{needsValue(p, environment) && <span className="form-required" title="Must be filled in"> *</span>}</label>
              <ValueInput id={`run-value-${i}`} parameter={p} value={values[p.name]} first={i === 0} invalid={mine !== '' || told.length > 0}
                placeholder={textOf(p.environments?.[environment] ?? p.default) || exampleOf(p.type)}
                onChange={(value) => {
                  setProblems([]);
                  setValues((now) => {
                    const { [p.name]: _, ...rest } = now;
                    return value === undefined ? rest : { ...rest, [p.name]: value };
                  });
                }} />
              <p className="form-help" id={`run-value-${i}-help`}>${p.name} · {p.type}{p.type.startsWith('list<') ? ' · with commas between, or as JSON' : ''}{p.secret ? ' · shown to nobody' : needsValue(p, environment) ? '' : ` · empty: the default${/^(date|time|timestamp)$/.test(p.type) ? ` ${textOf(p.environments?.[environment] ?? p.default)}` : ''}`}</p>
              {mine && <p className="form-problem" role="alert">{mine}</p>}
              {told.map((x, n) => <p key={n} className="form-problem" role="alert">{sentence(x.message)}</p>)}
            </div>
          );
        })}
        <div className="file-dialog-foot">
          <span className="form-help">{environment && `In ${environment}. `}What is given is used for previews, too{parameters.some((p) => p.secret) ? ', but for secrets' : ''}.</span>
          <span className="space" />
          <button type="button" className="form-button" onClick={close}>Cancel</button>
          <button type="submit" className="form-button primary" disabled={busy}>Run</button>
        </div>
      </form>
    </Dialog>
  );
}

interface InputProps {
  id: string;
  parameter: Parameter;
  value: string | undefined;
  placeholder: string;
  first: boolean;
  invalid: boolean;
  onChange(value: string | undefined): void;
}

function ValueInput({ id, parameter: p, value, placeholder, first, invalid, onChange }: InputProps): ReactNode {
  const common = { id, className: 'form-input', 'data-first': first || undefined, 'aria-invalid': invalid || undefined, 'aria-describedby': `${id}-help` } as const;
  if (p.type === 'boolean') {
    return (
      <select {...common} value={value ?? ''} onChange={(e) => onChange(e.target.value || undefined)}>
        <option value="">{placeholder ? `Default: ${placeholder}` : 'Choose…'}</option>
        <option value="true">true</option>
        <option value="false">false</option>
      </select>
    );
  }
  if (!p.secret && (p.type === 'time' || p.type === 'timestamp')) {
    return <input {...common} type={p.type === 'time' ? 'time' : 'datetime-local'} step={1} value={(value ?? '').replace(' ', 'T')} onChange={(e) => onChange(withSeconds(e.target.value.replace('T', ' ')) || undefined)} />;
  }
  const type = p.secret ? 'password' : p.type === 'date' ? 'date' : 'text';
  return <input {...common} type={type} inputMode={/^(int|decimal|double)/.test(p.type) ? 'decimal' : undefined} value={value ?? ''} placeholder={placeholder} spellCheck={false}
    autoComplete={p.secret ? 'new-password' : 'off'} onChange={(e) => onChange(e.target.value === '' && !(p.type === 'text' && !p.secret && p.default !== undefined) ? undefined : e.target.value || undefined)} />;
}

/** withSeconds completes what a browser leaves out where the seconds are 0. */
function withSeconds(text: string): string {
  return /(^|\s)\d{2}:\d{2}$/.test(text) ? `${text}:00` : text;
}

import { useState, type ReactNode } from 'react';
import { Dialog } from '../file/Dialog';
import '../form/form.css';
import type { FlowSettings, RejectPolicy } from '../model/document';
import { ParameterList } from '../parameter/ParameterList';
import { useEditor, useServices } from './editor';

/** policyTitles say what becomes of a refused record. */
export const policyTitles: Record<RejectPolicy, string> = { fail: 'Fail the run', reject: 'Store it as a reject', skip: 'Skip and count it' };

const leastMemory = 128; // flows.MinMemoryMB

/** FlowSettingsDialog changes what belongs to the whole flow. Every change counts at once; undo takes it back. */
export function FlowSettingsDialog(): ReactNode {
  const { editor, view } = useServices();
  const open = useEditor((s) => s.flowSettings);
  const settings = useEditor((s) => s.document.settings);
  const readOnly = useEditor((s) => s.readOnly);
  if (!open) return null;
  const close = () => {
    editor.seal();
    editor.set({ flowSettings: false });
    view.takeFocus();
  };
  const set = <K extends keyof FlowSettings>(name: K, value: FlowSettings[K] | undefined) => {
    editor.change('Change the settings of the flow', (doc) => {
      const { [name]: _, ...rest } = doc.settings ?? {};
      const changed = value === undefined ? rest : { ...rest, [name]: value };
      if (Object.keys(changed).length > 0) doc.settings = changed;
      else delete doc.settings;
    }, { merge: `settings.${name}` });
  };
  return (
    <Dialog title="Settings of the flow" onClose={close}>
      <div className="form" onKeyDown={(event) => event.stopPropagation()}>
        <Choice id="flow-concurrency" label="Started while it runs" value={settings?.concurrency ?? 'queue'} disabled={readOnly}
          help="What becomes of a run that is started while another one of this flow is not over."
          choices={[['queue', 'It waits for its turn'], ['skip', 'It is skipped'], ['parallel', 'It runs beside the other one']]}
          onChange={(value) => set('concurrency', value === 'queue' ? undefined : value)} />
        <Whole id="flow-memory" label="Memory of a run, in MB" value={settings?.memoryMB} least={leastMemory} placeholder="as its data needs" disabled={readOnly}
          help="A run waits until so much is free. Empty: a small part of the server's memory where the sources are small, and a large one elsewhere."
          onChange={(value) => set('memoryMB', value)} />
        <Choice id="flow-rejects" label="A record that a node refuses" value={settings?.rejects ?? 'fail'} disabled={readOnly}
          help="For every node that does not say otherwise. Stored rejects wait in the inbox, where they can be replayed."
          choices={Object.entries(policyTitles) as [RejectPolicy, string][]}
          onChange={(value) => set('rejects', value === 'fail' ? undefined : value)} />
        <Whole id="flow-max-rejects" label="Most rejects of a run" value={settings?.maxRejects} least={0} placeholder="1,000, or 1 % of the records" disabled={readOnly}
          help="A run that stores more fails: most rejects have one cause, and that is better mended. Empty: 1,000, or 1 in 100 of the records read, whichever is more." onChange={(value) => set('maxRejects', value)} />
        <ParameterList />
        <div className="file-dialog-foot"><span className="space" /><button type="button" className="form-button primary" onClick={close}>Close</button></div>
      </div>
    </Dialog>
  );
}

interface FieldProps {
  id: string;
  label: string;
  help: string;
  disabled: boolean;
}

function Choice<T extends string>({ id, label, help, disabled, value, choices, onChange }: FieldProps & { value: T; choices: readonly (readonly [T, string])[]; onChange(value: T): void }) {
  return (
    <div className="form-field">
      <label className="form-label" htmlFor={id}>{label}</label>
      <select id={id} className="form-input" value={value} disabled={disabled} aria-describedby={`${id}-help`} onChange={(event) => onChange(event.target.value as T)}>
        {choices.map(([choice, text]) => <option key={choice} value={choice}>{text}</option>)}
      </select>
      <p className="form-help" id={`${id}-help`}>{help}</p>
    </div>
  );
}

/** Whole is a whole number that may be left out. What is no such number, or too small, is said and changes nothing. */
function Whole({ id, label, help, disabled, value, least, placeholder, onChange }: FieldProps & { value: number | undefined; least: number; placeholder: string; onChange(value: number | undefined): void }) {
  const [text, setText] = useState(value === undefined ? '' : String(value));
  const wrong = text !== '' && !(/^\d+$/.test(text) && Number(text) >= least && Number.isSafeInteger(Number(text)));
  return (
    <div className="form-field">
      <label className="form-label" htmlFor={id}>{label}</label>
      <input id={id} className="form-input" inputMode="numeric" autoComplete="off" value={text} placeholder={placeholder} disabled={disabled} aria-invalid={wrong} aria-describedby={`${id}-help`}
        onChange={(event) => {
          const now = event.target.value.trim();
          setText(now);
          if (now === '') onChange(undefined);
          else if (/^\d+$/.test(now) && Number(now) >= least && Number.isSafeInteger(Number(now))) onChange(Number(now));
        }} />
      {wrong && <p className="form-problem" role="alert">Write a whole number of {least} or more, or leave it empty.</p>}
      <p className="form-help" id={`${id}-help`}>{help}</p>
    </div>
  );
}

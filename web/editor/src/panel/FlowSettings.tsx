import { useState, type ReactNode } from 'react';
import { Dialog } from '../file/Dialog';
import '../form/form.css';
import type { FlowDocument, RejectPolicy } from '../model/document';
import { useEditor, useServices } from '../shell/editor';

/** policyTitles say what becomes of a refused record. */
export const policyTitles: Record<RejectPolicy, string> = { fail: 'Fail the run', reject: 'Store it as a reject', skip: 'Skip and count it' };

/** FlowSettings edits what belongs to the flow as a whole. Every change counts at once; undo takes it back. */
export function FlowSettings(): ReactNode {
  const { editor, view } = useServices();
  const open = useEditor((s) => s.flowSettings);
  const settings = useEditor((s) => s.document.settings);
  const readOnly = useEditor((s) => s.readOnly);
  const [wrong, setWrong] = useState('');
  if (!open) return null;
  const change = (label: string, recipe: (mine: NonNullable<FlowDocument['settings']>) => void, merge?: string) => editor.change(label, (doc) => {
    doc.settings ??= {};
    recipe(doc.settings);
    if (Object.keys(doc.settings).length === 0) delete doc.settings;
  }, merge ? { merge } : {});
  const most = (text: string) => {
    const n = Number(text);
    const fits = text === '' || (/^\d+$/.test(text) && Number.isSafeInteger(n));
    setWrong(fits ? '' : 'Write a whole number from 0.');
    if (fits) change('Set most rejects', (mine) => {
      if (text === '') delete mine.maxRejects;
      else mine.maxRejects = n;
    }, 'maxRejects');
  };
  return (
    <Dialog title="Settings of the flow" onClose={() => {
      editor.seal();
      editor.set({ flowSettings: false });
      view.takeFocus();
    }}>
      <div className="flow-settings form">
        <div className="form-field">
          <label className="form-label" htmlFor="flow-rejects">A record that a node refuses</label>
          <select id="flow-rejects" className="form-input" autoFocus disabled={readOnly} value={settings?.rejects ?? 'fail'} aria-describedby="flow-rejects-help"
            onChange={(e) => change('Set reject policy of the flow', (mine) => {
              if (e.target.value === 'fail') delete mine.rejects;
              else mine.rejects = e.target.value as RejectPolicy;
            })}>
            {Object.entries(policyTitles).map(([value, title]) => <option key={value} value={value}>{title}</option>)}
          </select>
          <p id="flow-rejects-help" className="form-help">For every node that does not say otherwise. Stored rejects wait in the inbox, where they can be replayed.</p>
        </div>
        <div className="form-field">
          <label className="form-label" htmlFor="flow-most">Most rejects of a run</label>
          <input id="flow-most" className="form-input" inputMode="numeric" readOnly={readOnly} defaultValue={settings?.maxRejects ?? ''} placeholder="1,000, or 1 % of the records" aria-invalid={wrong !== ''} aria-describedby="flow-most-help" onChange={(e) => most(e.target.value.trim())} />
          <p id="flow-most-help" className={wrong ? 'form-problem' : 'form-help'}>{wrong || 'A run that stores more fails: most rejects have one cause, and that is better mended. Empty: 1,000, or 1 in 100 of the records read, whichever is more.'}</p>
        </div>
      </div>
    </Dialog>
  );
}

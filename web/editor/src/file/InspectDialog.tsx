import { useEffect, useMemo, useState, type ReactNode } from 'react';
import type { FileField, Proposal } from '../api/types';
import { sentence } from '../form/problem';
import '../form/form.css';
import { TypeSelect } from '../form/TypeSelect';
import { kindOf } from '../form/type';
import { GridView } from '../grid/GridView';
import { exact } from '../live/number';
import { useLoaded } from '../panel/use';
import { useEditor, useServices } from '../shell/editor';
import { Dialog } from './Dialog';
import { applyInspection, sampleOf, wrongNames } from './proposal';

interface Props {
  node: string;
  path: string;
  onClose(): void;
  onKeepPath?(): void; // uses the path alone, where the file cannot be inspected
}

/** InspectDialog shows how a file would be read; nothing counts before the builder says so. */
export function InspectDialog({ node, path, onClose, onKeepPath }: Props): ReactNode {
  const { client } = useServices();
  const { value, reason, again } = useLoaded(path, (signal) => client.inspect(path, signal));
  return (
    <Dialog title={`How ${path} is read`} onClose={onClose}>
      {!value && !reason && <p className="faint" role="status">Looking at the file…</p>}
      {reason && (
        <>
          <p className="form-problem" data-severity="error" role="alert"><span aria-hidden="true">✕</span>{sentence(reason)}</p>
          <div className="file-dialog-foot">
            <button type="button" className="form-button" onClick={again}>Try again</button>
            <button type="button" className="form-button" onClick={onClose}>Cancel</button>
            {onKeepPath && <button type="button" className="form-button primary" onClick={() => {
              onKeepPath();
              onClose();
            }}>Use the path only</button>}
          </div>
        </>
      )}
      {value && <Confirm node={node} path={path} proposal={value} onClose={onClose} />}
    </Dialog>
  );
}

function Confirm({ node, path, proposal, onClose }: { node: string; path: string; proposal: Proposal; onClose(): void }): ReactNode {
  const { editor } = useServices();
  const format = useEditor((s) => s.catalogue.formats.find((f) => f.name === proposal.format));
  const [fields, setFields] = useState<readonly FileField[]>(proposal.fields ?? []);
  useEffect(() => setFields(proposal.fields ?? []), [proposal]);
  const names = fields.map((f) => f.name).join('\n');
  const sample = useMemo(() => sampleOf(proposal, fields), [proposal, names]);
  const wrong = wrongNames(fields);
  const set = (i: number, part: Partial<FileField>) => setFields(fields.map((f, j) => (j === i ? { ...f, ...part } : f)));
  const use = () => {
    editor.config(node, 'Use the fields of the file', (config) => applyInspection(config, path, proposal, fields));
    editor.seal();
    editor.announce(fields.length > 0 ? `${fields.length} fields are used.` : 'The file is used.');
    onClose();
  };
  return (
    <>
      <p className="inspect-facts">{format?.title ?? proposal.format}{optionsOf(proposal)}{proposal.sampled ? ` · ${exact(proposal.sampled)} records looked at` : ''}</p>
      {(proposal.notes ?? []).length > 0 && <ul className="inspect-notes" aria-label="Notes">{proposal.notes!.map((n, i) => <li key={i}><span aria-hidden="true">▲</span> {n}</li>)}</ul>}
      {fields.length === 0 && <p className="faint">{format?.typed ? 'The file carries its own fields and types.' : 'No fields were found.'}</p>}
      {fields.length > 0 && (
        <div className="inspect">
          <div className="inspect-fields" role="region" aria-label="Fields" tabIndex={0}>
            <table className="table">
              <thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Format</th><th scope="col">Time zone</th></tr></thead>
              <tbody>{fields.map((f, i) => <FieldRow key={i} field={f} at={i} set={(part) => set(i, part)} />)}</tbody>
            </table>
          </div>
          {sample.rows.length > 0 && <div className="inspect-sample"><GridView label="First records of the file, as text" data={sample} /></div>}
        </div>
      )}
      <div className="file-dialog-foot">
        {wrong && <p className="form-problem" data-severity="error" role="alert"><span aria-hidden="true">✕</span>{wrong}</p>}
        <button type="button" className="form-button" onClick={onClose}>Cancel</button>
        <button type="button" className="form-button primary" disabled={wrong !== undefined} onClick={use}>{fields.length > 0 ? 'Use these fields' : 'Use this file'}</button>
      </div>
    </>
  );
}

function FieldRow({ field, at, set }: { field: FileField; at: number; set(part: Partial<FileField>): void }): ReactNode {
  const kind = kindOf(field.type);
  // A field that gets another name is still found in the file by its old one.
  const rename = (name: string) => set({ name, ...(name !== (field.source ?? field.name) ? { source: field.source ?? field.name } : {}) });
  return (
    <tr>
      <td><input className="form-input" aria-label={`Name of field ${at + 1}`} value={field.name} spellCheck={false} onChange={(e) => rename(e.target.value)} /></td>
      <td><TypeSelect label={`Type of ${field.name}`} type={field.type} onChange={(type) => set({ type })} /></td>
      <td>{/^(date|time)/.test(kind) && <input className="form-input" aria-label={`Format of ${field.name}`} value={field.format ?? ''} placeholder="ISO 8601" spellCheck={false} onChange={(e) => set({ format: e.target.value })} />}</td>
      <td>{/^timestamp/.test(kind) && <input className="form-input" aria-label={`Time zone of ${field.name}`} value={field.zone ?? ''} placeholder="none" spellCheck={false} onChange={(e) => set({ zone: e.target.value })} />}</td>
    </tr>
  );
}

/** optionsOf names what differs from one file to another: the delimiter and the encoding. */
function optionsOf(proposal: Proposal): string {
  const { delimiter, encoding } = (proposal.options ?? {}) as { delimiter?: string; encoding?: string };
  return [delimiter && ` · delimiter ${delimiter}`, encoding && ` · ${encoding}`].filter(Boolean).join('');
}

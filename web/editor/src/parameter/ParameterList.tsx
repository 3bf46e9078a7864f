import { useState, type ReactNode } from 'react';
import { TypeSelect } from '../form/TypeSelect';
import type { Parameter } from '../model/document';
import { useEditor, useServices } from '../shell/editor';
import { exampleOf, freeParameter, namePattern, renameUses, textOf, usesOf, wrongValue } from './parameter';
import './parameter.css';

/** ParameterList edits the parameters of a flow. Every change counts at once; undo takes it back. */
export function ParameterList(): ReactNode {
  const { editor } = useServices();
  const parameters = useEditor((s) => s.document.parameters) ?? [];
  const readOnly = useEditor((s) => s.readOnly);
  const add = () => editor.change('Add a parameter', (doc) => {
    (doc.parameters ??= []).push({ name: freeParameter(doc), type: 'text', default: '' });
  });
  return (
    <section className="parameters" aria-labelledby="parameters-title">
      <h3 id="parameters-title">Parameters</h3>
      <p className="form-help">Values that are given when a run starts. Expressions use them as <code>$name</code>, all other settings as <code>{'${name}'}</code>. What a run knows of itself needs no parameter: <code>run_id()</code> or <code>{'${run.id}'}</code>, <code>{'${run.started_at:yyyy-MM-dd}'}</code>; see <i>Run</i> in the help of the expressions.</p>
      {parameters.length > 0 && <div className="parameter-items">{parameters.map((p, i) => <ParameterItem key={i} parameter={p} index={i} readOnly={readOnly} />)}</div>}
      {!readOnly && <button type="button" className="form-button" onClick={add}>Add a parameter</button>}
    </section>
  );
}

function ParameterItem({ parameter: p, index, readOnly }: { parameter: Parameter; index: number; readOnly: boolean }): ReactNode {
  const { editor } = useServices();
  const [doomed, setDoomed] = useState(false);
  const environments = useEditor((s) => s.environments);
  const set = (label: string, recipe: (mine: Parameter) => void, burst?: string) =>
    editor.change(label, (doc) => recipe(doc.parameters![index]!), burst ? { merge: `parameter:${index}:${burst}` } : {});
  const id = `parameter-${index}`;
  const uses = usesOf(editor.state.document, editor.state.catalogue, p.name);
  const remove = () => {
    if (uses.length > 0 && !doomed) return setDoomed(true);
    editor.change(`Remove the parameter ${p.name}`, (doc) => {
      doc.parameters!.splice(index, 1);
      if (doc.parameters!.length === 0) delete doc.parameters;
    });
    setDoomed(false);
  };
  return (
    <div className="parameter" role="group" aria-label={`Parameter ${p.name}`}>
      <NameField parameter={p} index={index} readOnly={readOnly} />
      <div className="form-field">
        <span className="form-label" aria-hidden="true">Type</span>
        <TypeSelect label={`Type of ${p.name}`} type={p.type} readOnly={readOnly || p.secret === true} onBlur={() => editor.seal()}
          onChange={(type, typing) => set('Set the type of a parameter', (mine) => {
            mine.type = type;
            if (mine.default !== undefined && mine.default !== null && wrongValue(textOf(mine.default), type) !== '') mine.default = type === 'text' ? '' : null;
          }, typing ? 'type' : undefined)} />
      </div>
      <div className="form-field">
        <label className="form-label" htmlFor={`${id}-title`}>Title</label>
        <input id={`${id}-title`} className="form-input" value={p.title ?? ''} readOnly={readOnly} placeholder={p.name} onBlur={() => editor.seal()}
          onChange={(e) => set('Set the title of a parameter', (mine) => {
            if (e.target.value === '') delete mine.title;
            else mine.title = e.target.value;
          }, 'title')} />
      </div>
      {!p.secret && <ValueField id={`${id}-default`} label="Default" type={p.type} value={p.default} readOnly={readOnly} empty={p.default === undefined ? 'a run has to give a value' : p.type === 'text' ? 'empty text' : exampleOf(p.type) ? `null, or such as ${exampleOf(p.type)}` : 'null'}
        onChange={(value) => set('Set the default of a parameter', (mine) => void (mine.default = value ?? (mine.type === 'text' ? '' : null)), 'default')} />}
      {!p.secret && environments.length > 1 && environments.map((e) => (
        <ValueField key={e.name} id={`${id}-in-${e.name}`} label={`In ${e.name}`} type={p.type} value={p.environments?.[e.name]} readOnly={readOnly} empty="as the default"
          onChange={(value) => set('Set the value of a parameter', (mine) => {
            const { [e.name]: _, ...rest } = mine.environments ?? {};
            const next = value === undefined ? rest : { ...rest, [e.name]: value };
            if (Object.keys(next).length > 0) mine.environments = next;
            else delete mine.environments;
          }, `in-${e.name}`)} />
      ))}
      <div className="parameter-foot">
        <label><input type="checkbox" checked={p.default === undefined} disabled={readOnly || p.secret === true} onChange={(e) => set(e.target.checked ? 'Require a value' : 'Give a default', (mine) => {
          if (e.target.checked) delete mine.default;
          else mine.default = mine.type === 'text' ? '' : null;
        })} /> A run has to give a value</label>
        <label><input type="checkbox" checked={p.secret === true} disabled={readOnly} onChange={(e) => set(e.target.checked ? 'Make a parameter secret' : 'Make a parameter no secret', (mine) => {
          if (!e.target.checked) return void delete mine.secret;
          mine.secret = true;
          mine.type = 'text';
          delete mine.default;
          delete mine.environments;
        })} /> Secret</label>
        <span className="space" />
        {!readOnly && <button type="button" className="form-button" aria-label={`Remove the parameter ${p.name}`} onClick={remove}>{doomed ? 'Remove all the same' : 'Remove'}</button>}
      </div>
      {p.secret && <p className="form-help">Asked for at every run and shown to nobody. It can stand in the Where and in the SQL before and after of a database.</p>}
      {doomed && <p className="form-problem" role="alert">{uses.join(', ')} {uses.length === 1 ? 'uses' : 'use'} it, and will have a problem without.</p>}
    </div>
  );
}

/** NameField renames when it is left: the uses of the parameter follow, in one step of undo. */
function NameField({ parameter: p, index, readOnly }: { parameter: Parameter; index: number; readOnly: boolean }): ReactNode {
  const { editor } = useServices();
  const [typed, setTyped] = useState<string | null>(null);
  const name = typed ?? p.name;
  const taken = editor.state.document.parameters?.some((o, i) => i !== index && o.name === name) ?? false;
  const wrong = taken ? 'Another parameter has this name.' : namePattern.test(name) ? '' : 'Use letters, digits and _, beginning with a letter.';
  const leave = () => {
    if (typed !== null && !wrong && typed !== p.name) {
      editor.change('Rename a parameter', (doc) => {
        renameUses(doc, editor.state.catalogue, p.name, typed);
        doc.parameters![index]!.name = typed;
      });
    }
    setTyped(null);
  };
  return (
    <div className="form-field">
      <label className="form-label" htmlFor={`parameter-${index}-name`}>Name</label>
      <input id={`parameter-${index}-name`} className="form-input parameter-name" value={name} readOnly={readOnly} spellCheck={false} autoComplete="off" aria-invalid={wrong !== '' || undefined}
        onChange={(e) => setTyped(e.target.value)} onBlur={leave} onKeyDown={(e) => e.key === 'Enter' && leave()} />
      {wrong && <p className="form-problem" role="alert">{wrong}</p>}
    </div>
  );
}

/** ValueField edits a value of a type; what is none is said and changes nothing. */
function ValueField({ id, label, type, value, readOnly, empty, onChange }: { id: string; label: string; type: string; value: unknown; readOnly: boolean; empty: string; onChange(value: unknown): void }): ReactNode {
  const { editor } = useServices();
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? textOf(value);
  const wrong = text === '' ? '' : wrongValue(text, type);
  return (
    <div className="form-field">
      <label className="form-label" htmlFor={id}>{label}</label>
      <input id={id} className="form-input" value={text} readOnly={readOnly} placeholder={empty} spellCheck={false} autoComplete="off" aria-invalid={wrong !== '' || undefined}
        onChange={(e) => {
          setTyped(e.target.value);
          if (e.target.value === '') onChange(undefined);
          else if (wrongValue(e.target.value, type) === '') onChange(e.target.value);
        }}
        onBlur={() => {
          if (!wrong) setTyped(null);
          editor.seal();
        }} />
      {wrong && <p className="form-problem" role="alert">{wrong}</p>}
    </div>
  );
}

import { X } from 'lucide-react';
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { TypeIcon } from '../canvas/Icon';
import { ConnectionDialog } from '../connection/ConnectionDialog';
import { FilePicker } from '../file/FilePicker';
import { InspectDialog } from '../file/InspectDialog';
import { Form, Problems } from '../form/Field';
import { parsePath, formatPath } from '../form/path';
import { membersOf, type Schema } from '../form/schema';
import { FormContext, type FormScope } from '../form/scope';
import '../form/form.css';
import { nodeOf, type FlowNode, type RejectPolicy } from '../model/document';
import type { NodeType, FlowError } from '../api/types';
import { useEditor, useServices } from '../shell/editor';
import './panel.css';
import { CursorField } from './CursorField';
import { DeliveryField } from './Delivery';
import { ExpectationList } from './ExpectationList';
import { FetchField } from './FetchField';
import { FieldList } from './FieldList';
import { policyTitles } from '../shell/FlowSettingsDialog';
import { MoveField } from './MoveField';
import { readField } from './sampleOf';
import { walkProblems } from './problemWalk';
import { ResponseTab } from './ResponseTab';
import { fitting, useReach } from './reach';
import { changesOf } from './schemaDifference';
import { schemasOf, useProblemsOf, useType } from './use';

const allTabs = ['Settings', 'Response', 'Input', 'Output', 'Notes'] as const;
type Tab = (typeof allTabs)[number];

/** ConfigPanel edits the node whose settings are open. Every change counts at once; undo takes it back. */
export function ConfigPanel(): ReactNode {
  const panel = useEditor((s) => s.panel);
  const node = useEditor((s) => (s.panel ? nodeOf(s.document, s.panel.node) : undefined));
  const before = useRef<string | null>(null);
  const moved = before.current !== null && before.current !== panel?.node;
  useEffect(() => void (before.current = panel?.node ?? null));
  if (!panel || !node) return <p className="pad faint">Select a node to see its settings.</p>;
  // Who walks over the canvas with the settings open keeps the keyboard there.
  return <NodeConfig key={node.id} node={node} field={panel.field} nonce={panel.nonce} focus={!moved || panel.field !== undefined} />;
}

interface NodeProps {
  node: FlowNode;
  field: string | undefined;
  nonce: number; // another one asks for the keyboard again
  focus: boolean;
}

function NodeConfig({ node, field, nonce, focus }: NodeProps): ReactNode {
  const [tab, setTab] = useState<Tab>('Settings');
  const id = useId();
  const type = useType(node);
  const tabs = allTabs.filter((t) => t !== 'Response' || type?.fetches);
  const { editor } = useServices();
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!focus) return;
    setTab('Settings');
    requestAnimationFrame(() => root.current && focusSetting(root.current, field));
  }, [nonce, field]);
  const walk = (e: KeyboardEvent) => {
    const step = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    e.preventDefault();
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]!;
    setTab(next);
    document.getElementById(`${id}-${next}`)?.focus();
  };
  const walkAlways = (e: KeyboardEvent) => {
    if (e.key !== 'F8') return;
    e.preventDefault(); // the action does not count inside texts
    walkProblems(editor, e.shiftKey ? -1 : 1);
  };
  return (
    <div className="config" ref={root} onKeyDown={walkAlways}>
      <Head node={node} type={type} />
      <div className="config-tabs" role="tablist" aria-label="Settings of the node" onKeyDown={walk}>
        {tabs.map((t) => (
          <button key={t} type="button" role="tab" id={`${id}-${t}`} aria-selected={t === tab} tabIndex={t === tab ? 0 : -1} aria-controls={t === tab ? `${id}-body` : undefined} onClick={() => setTab(t)}>{t}</button>
        ))}
      </div>
      <div className="config-body" role="tabpanel" id={`${id}-body`} aria-labelledby={`${id}-${tab}`}>
        {tab === 'Settings' && <Settings node={node} type={type} onShow={() => setTab('Response')} />}
        {tab === 'Response' && <ResponseTab node={node} />}
        {(tab === 'Input' || tab === 'Output') && <PortSchemas node={node} side={tab} />}
        {tab === 'Notes' && <Notes node={node} />}
      </div>
    </div>
  );
}

/** focusSetting puts the keyboard into a setting, or the nearest one around it; folded parts are opened. */
export function focusSetting(root: HTMLElement, field: string | undefined): void {
  if (field === undefined) return focusFirst(root.querySelector('.config-body'));
  const places = [...root.querySelectorAll<HTMLElement>('[data-path]')];
  for (let steps = parsePath(field); steps.length > 0; steps = steps.slice(0, -1)) {
    const place = places.find((p) => p.dataset.path === formatPath(steps));
    if (!place) continue;
    for (let at = place.closest('details'); at; at = at.parentElement?.closest('details') ?? null) at.open = true;
    place.scrollIntoView?.({ block: 'nearest' });
    return focusFirst(place);
  }
}

/** focusFirst takes the first control that holds a value; a button only where there is none. What every node has comes last. */
function focusFirst(place: Element | null): void {
  const own = (what: string) => [...(place?.querySelectorAll<HTMLElement>(what) ?? [])].find((e) => !e.closest('.config-general'));
  (own('[contenteditable="true"], textarea, input, select') ?? own('button') ?? place?.querySelector<HTMLElement>('input, select'))?.focus();
}

function Head({ node, type }: { node: FlowNode; type: NodeType | undefined }): ReactNode {
  const { editor } = useServices();
  const readOnly = useEditor((s) => s.readOnly);
  const rename = (name: string) => editor.change('Rename node', (doc) => {
    const mine = nodeOf(doc, node.id)!;
    if (name === '') delete mine.name;
    else mine.name = name;
  }, { merge: `name:${node.id}` });
  return (
    <div className="config-head">
      <TypeIcon type={type} />
      <div className="config-title">
        <input className="config-name" aria-label="Name of the node" value={node.name ?? ''} placeholder={node.id} readOnly={readOnly} spellCheck={false}
          onChange={(e) => rename(e.target.value)} onBlur={() => editor.seal()} />
        <p className="config-type">{type?.title ?? node.type} · <a href={`/help/nodes/${encodeURIComponent(node.type)}`} target="_blank" rel="noreferrer">Help<span className="visually-hidden"> for {type?.title ?? node.type} (new tab)</span></a></p>
      </div>
      <button type="button" className="icon-button" aria-label="Close the settings" onClick={() => editor.closePanel()}><X size={16} aria-hidden="true" /></button>
    </div>
  );
}

function Settings({ node, type, onShow }: { node: FlowNode; type: NodeType | undefined; onShow(): void }): ReactNode {
  const scope = useScope(node, type);
  const { client, editor, session } = useServices();
  const [dialog, setDialog] = useState<{ kind: 'pick' | 'inspect' | 'connection'; path: string } | null>(null);
  const reach = useReach(node, type);
  if (!type) return <p className="pad">This Spark does not know the node type {node.type}. The node is kept as it is.</p>;
  const schema = type.schema as Schema;
  const sampleOf = (field: string) => readField(client, session, editor, node.id, field);
  const form: FormScope = { ...scope, ...reach, ...(session.flow === '' ? {} : { sampleOf }), newConnection: (path) => setDialog({ kind: 'connection', path }), chooseFile: (path) => setDialog({ kind: 'pick', path }), inspectFile: (path) => setDialog({ kind: 'inspect', path }) };
  const inEnvironment = editor.state.environments.length > 1 ? editor.state.environment : ''; // of a new connection
  const known = membersOf(schema).map((m) => m.name);
  const set = (path: string) => form.edit('Choose file', (config) => void (config.path = path));
  const chosen = (path: string) => {
    if (form.sink) {
      set(path);
      setDialog(null);
    } else setDialog({ kind: 'inspect', path });
  };
  return (
    <FormContext value={form}>
      <div className="form">
        <Problems problems={form.problems.filter((p) => !isPlaced(p, known))} />
        {type.fetches && <FetchField node={node} calls={type.calls ?? false} onShow={onShow} />}
        <Form schema={schema} />
        {known.length === 0 && <p className="form-help">This node has no settings.</p>}
        {node.config?.['mode'] === 'incremental' && known.includes('cursor') && <CursorField node={node} />}
        <MoveField node={node.id} />
        <ExpectationList node={node.id} />
        <DeliveryField node={node.id} />
        <General node={node} type={type} />
      </div>
      {dialog?.kind === 'pick' && <FilePicker path={dialog.path} sink={form.sink} onChoose={chosen} onClose={() => setDialog(null)} />}
      {dialog?.kind === 'connection' && <ConnectionDialog client={client} catalogue={form.catalogue} connection={null} systems={fitting(form.catalogue.connections ?? [], systemOf(schema, dialog.path))} environment={inEnvironment} onClose={() => setDialog(null)} onSaved={(made) => {
        form.edit('Choose connection', (config) => void (config[dialog.path] = made.name));
        reach.again();
        setDialog(null);
      }} />}
      {dialog?.kind === 'inspect' && <InspectDialog node={node.id} path={dialog.path} onClose={() => setDialog(null)} onKeepPath={() => set(dialog.path)} />}
    </FormContext>
  );
}

/** systemOf is the connection type that a setting asks for; none: any database. */
function systemOf(schema: Schema, path: string): string | undefined {
  return membersOf(schema).find((m) => m.name === path)?.schema['x-system'];
}

function isPlaced(problem: FlowError, known: readonly string[]): boolean {
  const first = parsePath(problem.path?.field ?? '')[0];
  return typeof first === 'string' && known.includes(first);
}

function General({ node, type }: { node: FlowNode; type: NodeType }): ReactNode {
  const { editor } = useServices();
  const readOnly = useEditor((s) => s.readOnly);
  const connected = useEditor((s) => s.document.edges.some((e) => e.from.node === node.id && e.from.port === 'rejects'));
  const general = useEditor((s) => s.document.settings?.rejects ?? 'fail');
  const id = useId();
  const change = (label: string, recipe: (mine: FlowNode) => void) => editor.change(label, (doc) => recipe(nodeOf(doc, node.id)!));
  return (
    <div className="config-general form">
      {type.rejects && (
        <div className="form-field">
          <label className="form-label" htmlFor={`${id}-rejects`}>A record that is refused</label>
          <select id={`${id}-rejects`} className="form-input" disabled={readOnly || connected} value={connected ? 'reject' : node.rejects ?? ''} aria-describedby={`${id}-help`}
            onChange={(e) => change('Set reject policy', (mine) => {
              if (e.target.value === '') delete mine.rejects;
              else mine.rejects = e.target.value as RejectPolicy;
            })}>
            <option value="">{type.policy ? `${policyTitles[type.policy]} (this node's default)` : `As the flow says: ${policyTitles[general].toLowerCase()}`}</option>
            {Object.entries(policyTitles).map(([value, title]) => <option key={value} value={value}>{title}</option>)}
          </select>
          <p id={`${id}-help`} className="form-help">{connected ? 'The rejects port is connected: refused records go there, and are stored. Disconnect it to choose.' : 'Stored rejects wait in the inbox. Connect the rejects port to use them in the flow.'}</p>
        </div>
      )}
      <div className="form-field">
        <label className="form-label" htmlFor={`${id}-off`}>Disabled</label>
        <span className="form-switch">
          <input id={`${id}-off`} type="checkbox" role="switch" checked={node.disabled ?? false} disabled={readOnly} aria-describedby={`${id}-off-help`}
            onChange={(e) => change(e.target.checked ? 'Disable node' : 'Enable node', (mine) => {
              if (e.target.checked) mine.disabled = true;
              else delete mine.disabled;
            })} />
          <span id={`${id}-off-help`} className="form-help">A disabled node does not run.</span>
        </span>
      </div>
    </div>
  );
}

/** useScope is what the form of a node knows. */
function useScope(node: FlowNode, type: NodeType | undefined): FormScope {
  const { editor } = useServices();
  const catalogue = useEditor((s) => s.catalogue);
  const readOnly = useEditor((s) => s.readOnly);
  const parameters = useEditor((s) => s.document.parameters);
  useEditor((s) => s.check);
  useEditor((s) => s.document.edges);
  return {
    node: node.id,
    config: node.config ?? {},
    problems: useProblemsOf(node.id),
    readOnly,
    sink: type !== undefined && (type.outputs ?? []).length === 0,
    catalogue,
    inputs: schemasOf(editor, node).inputs,
    parameters: parameters ?? [],
    edit: (label, recipe, burst) => editor.config(node.id, label, recipe, burst === undefined ? {} : { merge: `config:${node.id}:${burst}` }),
    seal: () => editor.seal(),
    undo: () => editor.undo(),
    redo: () => editor.redo(),
  };
}

function PortSchemas({ node, side }: { node: FlowNode; side: 'Input' | 'Output' }): ReactNode {
  const { editor } = useServices();
  useEditor((s) => s.check);
  useEditor((s) => s.document.edges);
  const { inputs, outputs } = schemasOf(editor, node);
  const known = inputs.flatMap((i) => (i.fields ? [i.fields] : []));
  const ports = side === 'Input' ? inputs : outputs;
  if (ports.length === 0) return <p className="faint">{side === 'Input' ? 'This node has no input.' : 'This node has no output.'}</p>;
  return (
    <>
      {ports.map((p) => {
        const changes = side === 'Output' && p.fields && p.port !== 'rejects' ? changesOf(known, p.fields) : undefined;
        return <FieldList key={p.port} title={p.title} fields={p.fields} changes={changes?.added} was={changes?.was}
          unknown={side === 'Input' ? 'Not connected, or not known yet.' : 'Not known until the settings are complete.'} />;
      })}
    </>
  );
}

function Notes({ node }: { node: FlowNode }): ReactNode {
  const { editor } = useServices();
  const readOnly = useEditor((s) => s.readOnly);
  return (
    <textarea className="form-input config-notes" aria-label="Notes" placeholder="What others should know about this node" value={node.notes ?? ''} readOnly={readOnly}
      onBlur={() => editor.seal()} onChange={(e) => editor.change('Edit notes', (doc) => {
        const mine = nodeOf(doc, node.id)!;
        if (e.target.value === '') delete mine.notes;
        else mine.notes = e.target.value;
      }, { merge: `notes:${node.id}` })} />
  );
}

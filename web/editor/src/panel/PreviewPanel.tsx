import { RefreshCw } from 'lucide-react';
import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { FlowError, Preview, Reject, Sample } from '../api/types';
import { sentence } from '../form/problem';
import { toggleFilter, type BarFilter } from '../grid/filter';
import { GridView } from '../grid/GridView';
import { duration, exact } from '../live/number';
import { edgesInto, inputKeys, portsOf, type FlowDocument, type FlowNode } from '../model/document';
import { useEditor, useServices } from '../shell/editor';
import { known } from '../shell/session';
import { ColumnMenu, type OpenMenu } from './ColumnMenu';
import './panel.css';
import { PinButton, PinChip, pinnedText } from './PinBar';
import { PreviewLoader } from './preview';
import { RejectTable } from './RejectTable';
import { SampleChoice } from './SampleChoice';
import { changesOf } from './schemaDifference';
import { goTo } from './problemWalk';
import { useFetches } from './FetchField';
import { nodeTitle, useLoaded, useSelected } from './use';

/** PreviewPanel shows the records at the selected node: what comes in, and what goes out. */
export function PreviewPanel(): ReactNode {
  const { session } = useServices();
  const node = useSelected();
  if (!node) return <p className="pad faint">Select a node to see its records.</p>;
  return session.flow === '' ? <RunSamples node={node} /> : <DraftPreview node={node} />;
}

const nothing: readonly FlowError[] = [];

function DraftPreview({ node }: { node: FlowNode }): ReactNode {
  const { client, editor, session } = useServices();
  const document = useEditor((s) => s.document);
  const loader = useMemo(() => new PreviewLoader((question, signal) => {
    const { environment, given } = editor.state;
    return client.preview({ ...question, flow: session.flow, ...(environment ? { environment } : {}), parameters: known(question.document, given) }, signal);
  }), [client, editor, session]);
  const environment = useEditor((s) => s.environment);
  const given = useEditor((s) => s.given);
  const pins = useEditor((s) => s.pins);
  const fetches = useFetches();
  const asked = useRef({ environment, given, pins, fetches });
  useEffect(() => {
    const before = asked.current;
    if (before.environment === environment && before.given === given && before.pins === pins && before.fetches === fetches) return;
    asked.current = { environment, given, pins, fetches };
    loader.again(before.environment !== environment || before.given !== given);
  }, [loader, environment, given, pins, fetches]);
  useEffect(() => () => loader.stop(), [loader]);
  const previewed = useMeaning(document);
  const samples = useEditor((s) => s.samples);
  useEffect(() => loader.want(previewed, node.id, samples), [loader, previewed, node.id, samples]);
  const { shown, problems, loading, old } = useSyncExternalStore(loader.subscribe, () => loader.state);
  const mine = loader.state.node === node.id;
  useEffect(() => {
    editor.set({ previewed: problems.filter((p) => p.path?.field !== 'sample') }); // nothing is wrong with the flow, then
    return () => editor.set({ previewed: nothing });
  }, [editor, problems]);
  const offline = useEditor((s) => s.offline);
  useEffect(() => {
    if (!offline && loader.state.problems.some((p) => p.code === 'network')) loader.again();
  }, [loader, offline]);
  return (
    <div className="preview">
      <div className="preview-bar">
        {mine && shown && <PinChip pins={shown.pins ?? []} node={node.id} />}
        <span role="status" className={old ? 'faint' : ''}>{mine && shown ? bannerOf(shown, document) : loading ? 'Reading records…' : 'No records yet'}{mine && shown && loading ? ' · refreshing…' : ''}{mine && shown && old && !loading ? ' · before the last change' : ''}</span>
        <PinButton node={node.id} />
        {(shown?.pins ?? []).length === 0 && <SampleChoice node={node.id} />}
        <button type="button" className="icon-button preview-again" aria-label="Read the records again" onClick={() => loader.again()}><RefreshCw size={14} aria-hidden="true" /></button>
      </div>
      {mine && problems.length > 0 && <ProblemLines problems={problems} />}
      {mine && shown && <Sides node={node} inputs={shown.inputs ?? []} outputs={shown.outputs ?? []} rejects={shown.rejects ?? []} dimmed={old} />}
    </div>
  );
}

/** useMeaning is the document without what changes nothing of its records: positions, names and notes keep the old one. */
function useMeaning(document: FlowDocument): FlowDocument {
  const [kept, setKept] = useState(document);
  const same = kept === document || meaning(kept) === meaning(document);
  useEffect(() => {
    if (!same) setKept(document);
  }, [same, document]);
  return same ? kept : document;
}

function meaning(doc: FlowDocument): string {
  return JSON.stringify([doc.nodes.map(({ name: _, notes: __, ...node }) => node), doc.edges, doc.parameters, doc.settings]);
}

/** chosenOf tells which records of the source are read. */
function chosenOf({ read, complete, sample, scanned, narrowed }: Preview, source: string): string {
  const records = read === 1 ? 'record' : 'records';
  if (sample.mode === 'where') {
    const which = complete ? (read === 1 ? 'the only record' : `all ${exact(read)} records`) : `first ${exact(read)} ${records}`;
    return `${which} of ${source} where ${sample.where ?? ''} · ${narrowed ? 'found by its database' : `${exact(scanned)} searched`}`;
  }
  if (complete) return read === 1 ? `the only record of ${source}` : `all ${exact(read)} ${records} of ${source}`;
  return sample.mode === 'random' ? `${exact(read)} of ${exact(scanned)} records of ${source}, at random` : `first ${exact(read)} ${records} of ${source}`;
}

/** bannerOf says what one sees: "first 1,000 records of Orders · read 10:42:07 · 34 ms · cached". */
export function bannerOf(preview: Preview, doc: FlowDocument): string {
  const pins = preview.pins ?? [];
  if (pins.length > 0) return [pinnedText(pins, (node) => nodeTitle(doc, node)), duration(preview.took / 1e6), preview.cached ? 'cached' : ''].filter(Boolean).join(' · ');
  const what = chosenOf(preview, nodeTitle(doc, preview.source));
  const at = new Date(preview.at).toLocaleTimeString([], { hour12: false });
  const behind = (preview.cursors ?? []).map((c) => `after ${c.column} ${c.value}${(preview.cursors ?? []).length > 1 ? ` of ${nodeTitle(doc, c.node)}` : ''}, as the next run`);
  return [what, ...behind, `read ${at}`, duration(preview.took / 1e6), preview.cached ? 'cached' : ''].filter(Boolean).join(' · ');
}

export function ProblemLines({ problems }: { problems: readonly FlowError[] }): ReactNode {
  const { editor } = useServices();
  const document = useEditor((s) => s.document);
  return (
    <ul className="problem-lines">
      {problems.map((p, i) => (
        <li key={i} data-severity={p.severity ?? 'error'}>
          <span aria-hidden="true">{p.severity === 'warning' ? '▲' : '✕'}</span>
          <span>{p.path?.node && <strong>{nodeTitle(document, p.path.node)}: </strong>}{sentence(p.message)} {sentence(p.suggestion ?? '')}</span>
          {p.path?.node && p.path.field !== 'sample' && <button type="button" className="link" onClick={() => goTo(editor, p)}>Go to setting</button>}
        </li>
      ))}
    </ul>
  );
}

interface SidesProps {
  node: FlowNode;
  inputs: readonly Sample[];
  outputs: readonly Sample[];
  rejects: readonly Reject[];
  dimmed?: boolean;
}

function Sides({ node, inputs, outputs, rejects, dimmed = false }: SidesProps): ReactNode {
  const { editor } = useServices();
  const document = useEditor((s) => s.document);
  const ports = usePortTitles(node);
  const nameOf = (port: string) => ports.get(port) ?? port;
  const [inPort, setIn] = useState('');
  const [outPort, setOut] = useState('');
  const [filters, setFilters] = useState<readonly BarFilter[]>([]);
  const [menu, setMenu] = useState<OpenMenu | null>(null);
  useEffect(() => setFilters([]), [node.id]);
  const input = inputs.find((s) => s.port === inPort) ?? inputs[0];
  const output = outputs.find((s) => s.port === outPort) ?? outputs[0];
  const showRejects = rejects.length > 0 && (outPort === 'stored rejects' || !output);
  const changes = useMemo(() => (output && output.port !== 'rejects' ? changesOf(inputs.map((s) => s.schema ?? []), output.schema ?? []) : undefined), [inputs, output]);
  const filter = (f: BarFilter) => setFilters((now) => toggleFilter(now, f));
  return (
    <>
      {filters.length > 0 && (
        <div className="preview-filters" role="group" aria-label="Filters of the preview">
          {filters.map((f) => <button key={f.field} type="button" className="form-chip-button" onClick={() => filter(f)} aria-label={`Remove the filter ${f.field}: ${f.label}`}>{f.field}: {f.label === '' ? 'empty text' : f.label} <span aria-hidden="true">×</span></button>)}
        </div>
      )}
      <div className="preview-sides" data-dimmed={dimmed || undefined}>
        {input && <Side title="Input" samples={inputs} nameOf={(port) => inputTitle(document, node.id, port, nameOf)} sample={input} onPort={setIn} filters={filters} onFilter={filter} marks={changes?.removed} onMenu={(m) => setMenu({ ...m, node: node.id, port: input.port, side: 'in', schema: input.schema ?? [] })} />}
        {(output || rejects.length > 0) && (
          <Side title={output ? 'Output' : 'Rejects'} samples={outputs} nameOf={nameOf} sample={showRejects ? undefined : output} onPort={setOut} filters={filters} onFilter={filter} marks={changes?.added} rejects={rejects.length}
            onMenu={(m) => output && setMenu({ ...m, node: node.id, port: output.port, side: 'out', schema: output.schema ?? [] })}>
            {showRejects ? <RejectTable rejects={rejects} /> : undefined}
          </Side>
        )}
        {!output && !input && <p className="pad faint">This node has no records to show.</p>}
      </div>
      {menu && <ColumnMenu menu={menu} onFilter={filter} onClose={() => setMenu(null)} editor={editor} />}
    </>
  );
}

/** usePortTitles names the ports of a node as people know them. */
function usePortTitles(node: FlowNode): ReadonlyMap<string, string> {
  const document = useEditor((s) => s.document);
  const catalogue = useEditor((s) => s.catalogue);
  return useMemo(() => {
    const { inputs, outputs } = portsOf(document, node, catalogue);
    return new Map([...inputs, ...outputs].map((p) => [p.name, p.title]));
  }, [document, node, catalogue]);
}

interface SideProps {
  title: string;
  samples: readonly Sample[];
  nameOf(port: string): string;
  sample: Sample | undefined;
  filters: readonly BarFilter[];
  marks: ReadonlyMap<string, 'added' | 'removed' | 'changed'> | undefined;
  rejects?: number;
  children?: ReactNode;
  onPort(port: string): void;
  onFilter(filter: BarFilter): void;
  onMenu(menu: Pick<OpenMenu, 'name' | 'type' | 'stats' | 'x' | 'y'>): void;
}

/** inputTitle names an input: by its port, or by the node before it where several edges lead to that port. */
function inputTitle(doc: FlowDocument, node: string, key: string, nameOf: (port: string) => string): string {
  const arrived = inputKeys(doc, node);
  const here = arrived.find((i) => i.key === key)?.edge;
  const several = here && arrived.filter((i) => i.edge.to.port === here.to.port).length > 1;
  return several ? nodeTitle(doc, here.from.node) : nameOf(here?.to.port ?? key);
}

function Side({ title, samples, nameOf, sample, filters, marks, rejects = 0, children, onPort, onFilter, onMenu }: SideProps): ReactNode {
  const { editor } = useServices();
  const data = useMemo(() => ({ schema: sample?.schema ?? [], rows: sample?.rows ?? [] }), [sample]);
  const choices = [...samples.map((s) => ({ port: s.port, title: `${nameOf(s.port)} · ${exact(s.records)}` })), ...(rejects > 0 ? [{ port: 'stored rejects', title: `Rejects · ${exact(rejects)}` }] : [])];
  return (
    <section className="side" aria-label={title}>
      <div className="side-head">
        <h2>{title}</h2>
        {choices.length > 1 ? choices.map((c) => (
          <button key={c.port} type="button" className="side-port" aria-pressed={sample ? c.port === sample.port : c.port === 'stored rejects'} onClick={() => onPort(c.port)}>{c.title}</button>
        )) : <span className="faint">{sample ? countOf(sample) : `${exact(rejects)} ${rejects === 1 ? 'record' : 'records'}`}</span>}
      </div>
      {children || (sample && (data.schema.length === 0
        ? <p className="pad faint">No fields.</p>
        : <GridView label={`${title}, ${sample.port}`} data={data} filters={filters} announce={(text) => editor.announce(text)} onFilter={onFilter} onMenu={onMenu} {...(marks ? { marks } : {})} />))}
    </section>
  );
}

/** countOf tells how many records there are, and how many of them are shown. */
function countOf(sample: Sample): string {
  const shown = sample.rows?.length ?? 0;
  return sample.records > shown ? `${exact(shown)} of ${exact(sample.records)}${sample.more ? '+' : ''} records` : `${exact(sample.records)} ${sample.records === 1 ? 'record' : 'records'}`;
}

/** RunSamples shows what the run kept of the records at a node. */
function RunSamples({ node }: { node: FlowNode }): ReactNode {
  const { client } = useServices();
  const run = useEditor((s) => s.run);
  const document = useEditor((s) => s.document);
  const { value, reason, loading } = useLoaded(`${run?.id}/${run?.state}`, () => (run ? client.samples(run.id) : Promise.resolve({ items: [] })));
  const samples = value?.items ?? [];
  const outputs = samples.filter((s) => s.node === node.id && !edgesInto(document, node.id).some((e) => e.to.port === s.port));
  const inputs = inputKeys(document, node.id).flatMap(({ key, edge }) => samples.filter((s) => s.node === edge.from.node && s.port === edge.from.port).map((s) => ({ ...s, port: key })));
  if (reason) return <p className="pad">The samples could not be read: {reason}</p>;
  if (inputs.length + outputs.length === 0) return <p className="pad faint">{loading ? 'Reading samples…' : 'The run kept no sample at this node.'}</p>;
  return (
    <div className="preview">
      <div className="preview-bar">
        <span className="badge state-succeeded">{run?.trigger === 'sample' ? 'Sample' : 'Live run'}</span>
        <span>{run?.trigger === 'sample' ? 'records of a run on the sample: nothing was written' : 'records that this run has kept'}</span>
      </div>
      <Sides node={node} inputs={inputs} outputs={outputs} rejects={[]} />
    </div>
  );
}

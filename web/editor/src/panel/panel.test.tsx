// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../api/client';
import type { Catalogue, FlowError, NodeType, Preview, Reject, Run } from '../api/types';
import { View } from '../canvas/view';
import type { Schema } from '../form/schema';
import { LiveStore } from '../live/store';
import { nodeOf, type FlowDocument } from '../model/document';
import { Editor } from '../model/editor';
import { ServicesContext, type Services } from '../shell/editor';
import { Session } from '../shell/session';
import { addFor, newNodes } from './ColumnMenu';
import { ConfigPanel } from './ConfigPanel';
import { PreviewPanel } from './PreviewPanel';
import { ProblemsPanel } from './ProblemsPanel';
import { walkProblems } from './problemWalk';
import { RejectsPanel } from './RejectsPanel';
import { RunsPanel } from './RunsPanel';
import { statsOf } from '../grid/stats';

// The code editor needs a layout; the plain text area is what it falls back to.
vi.mock('../expression/codemirror', () => ({ mountExpression: () => { throw new Error('no layout'); } }));

const attack = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
const golden = JSON.parse(readFileSync('server/api/testdata/catalogue.json', 'utf8')) as Catalogue;

const type = (id: string, schema: Schema, over: Partial<NodeType> = {}): NodeType => ({ id, version: 1, title: id, summary: '', category: 'transform', synonyms: [], inputs: [{ name: 'in', title: 'Records' }], outputs: [{ name: 'out', title: 'Records' }], rejects: false, schema: schema as Record<string, unknown>, icon: '', help: '', ...over });
const text = (more: Schema = {}): Schema => ({ type: 'string', ...more });
const catalogue: Catalogue = {
  ...golden,
  nodes: [
    ...golden.nodes,
    type('formula', { type: 'object', required: ['fields'], properties: { fields: { type: 'array', title: 'Fields', 'x-widget': 'formulas', items: { type: 'object', required: ['name', 'expression'], 'x-order': ['name', 'expression'], properties: { name: text({ title: 'Field' }), expression: text({ title: 'Expression', 'x-widget': 'expression' }) } } } } }),
    type('sort', { type: 'object', properties: { keys: { type: 'array', title: 'Order', 'x-widget': 'sortkeys', items: { type: 'object', required: ['field'], properties: { field: text({ title: 'Field', 'x-widget': 'field' }) } } } } }),
    type('limit', { type: 'object', properties: { count: { type: 'integer', title: 'Count', default: 1000, 'x-value': true } } }),
    type('select', { type: 'object', properties: { others: text({ title: 'Other fields', enum: ['drop', 'keep'], default: 'drop' }), drop: { type: 'array', title: 'Drop', items: { type: 'string' }, 'x-widget': 'fieldnames', 'x-showIf': 'others=keep' } } }),
    type('convert', { type: 'object', properties: {} }),
  ],
};

function setup(nodes: FlowDocument['nodes'], over: Partial<FlowDocument> = {}, client: Partial<Client> = {}) {
  const editor = new Editor({ format: 1, name: 'F', nodes, edges: [], ...over }, catalogue);
  const live = new LiveStore();
  const services: Services = { editor, client: client as Client, live, session: new Session(editor, client as Client, live, 'flow'), view: new View() };
  const show = (part: React.ReactNode) => render(<ServicesContext value={services}>{part}</ServicesContext>);
  return { editor, show, config: () => nodeOf(editor.state.document, nodes[0]!.id)!.config };
}

const node = (id: string, typeId: string, config: Record<string, unknown> = {}) => ({ id, type: typeId, version: 1, config });
const problem = (over: Partial<FlowError>): FlowError => ({ code: 'x', message: 'something is wrong', ...over });

beforeEach(() => vi.stubGlobal('requestAnimationFrame', (f: () => void) => setTimeout(f)));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test('the form of the served catalogue is drawn, and typing is one undo step', async () => {
  const { editor, show, config } = setup([node('keep', 'filter', { condition: 'a' })]);
  editor.openNode('keep');
  show(<ConfigPanel />);
  const area = screen.getByLabelText('Condition');
  fireEvent.change(area, { target: { value: 'a >' } });
  fireEvent.change(area, { target: { value: 'a > 1' } });
  expect(config()).toEqual({ condition: 'a > 1' });
  expect(editor.undo()).toBe(true);
  expect(config()).toEqual({ condition: 'a' });
  expect(editor.undo()).toBe(false);
});

test('a problem stands at its setting, and its suggestion can be applied', async () => {
  const { editor, show, config } = setup([node('keep', 'filter', { condition: 'amuont > 1' })]);
  editor.openNode('keep');
  editor.checked({ ports: [], problems: [problem({ code: 'expr.unknown_field', message: 'there is no field "amuont"', suggestion: 'did you mean "amount"?', path: { node: 'keep', field: 'condition', offset: 1, length: 6 } })] });
  show(<ConfigPanel />);
  const area = screen.getByLabelText('Condition');
  expect(area.getAttribute('aria-invalid')).toBe('true');
  expect(document.getElementById(area.getAttribute('aria-describedby')!.split(' ')[0]!)!.textContent).toContain('There is no field "amuont". Did you mean "amount"?');
  await userEvent.click(screen.getByRole('button', { name: 'Use amount' }));
  expect(config()).toEqual({ condition: 'amount > 1' });
});

test('openNode puts the keyboard into the setting it names', async () => {
  const { editor, show } = setup([node('f', 'formula', { fields: [{ name: 'a', expression: '1' }, { name: 'b', expression: '2' }] })]);
  editor.openNode('f', 'fields[1].expression');
  show(<ConfigPanel />);
  await vi.waitFor(() => expect((document.activeElement as HTMLTextAreaElement).value).toBe('2'));
});

test('items are added, moved by the keyboard and removed', async () => {
  const { editor, show, config } = setup([node('f', 'formula', { fields: [{ name: 'a', expression: '1' }, { name: 'b', expression: '2' }] })]);
  editor.openNode('f');
  show(<ConfigPanel />);
  fireEvent.keyDown(screen.getByRole('button', { name: /Fields 1 of 2/ }), { key: 'ArrowDown' });
  expect(config()!.fields).toEqual([{ name: 'b', expression: '2' }, { name: 'a', expression: '1' }]);
  await userEvent.click(screen.getByRole('button', { name: 'Add a field' }));
  expect((config()!.fields as unknown[]).at(-1)).toEqual({ name: '', expression: '' });
  await userEvent.click(screen.getByRole('button', { name: 'Remove Fields 1' }));
  expect(config()!.fields).toEqual([{ name: 'a', expression: '1' }, { name: '', expression: '' }]);
});

test('fields of the input are found by typing and chosen with Enter', async () => {
  const { editor, show, config } = setup([node('s', 'sort', { keys: [{ field: '' }] }), node('in', 'x')], { edges: [{ from: { node: 'in', port: 'out' }, to: { node: 's', port: 'in' } }] });
  editor.checked({ problems: [], ports: [{ node: 'in', port: 'out', schema: [{ name: 'order id', type: 'int64' }, { name: attack, type: 'text' }] }] });
  editor.openNode('s');
  show(<ConfigPanel />);
  await userEvent.type(screen.getByRole('combobox', { name: /Field/ }), 'ord{Enter}');
  expect(config()!.keys).toEqual([{ field: 'order id' }]);
  expect(document.querySelector('script, img')).toBeNull();
});

test('a setting is shown only where x-showIf says so', async () => {
  const { editor, show, config } = setup([node('s', 'select')]);
  editor.openNode('s');
  show(<ConfigPanel />);
  expect(screen.queryByText('Drop', { selector: '.form-label' })).toBeNull();
  await userEvent.click(screen.getByRole('radio', { name: 'Keep' }));
  expect(config()).toEqual({ others: 'keep' });
  expect(screen.getByText('Drop', { selector: '.form-label' })).toBeTruthy();
});

test('a value is a number or a parameter; what is no number never reaches the document', async () => {
  const { editor, show, config } = setup([node('l', 'limit')], { parameters: [{ name: 'most', type: 'int64' }] });
  editor.openNode('l');
  show(<ConfigPanel />);
  fireEvent.change(screen.getByLabelText('Count'), { target: { value: '5x' } });
  expect(config()).toEqual({});
  expect(screen.getByRole('alert').textContent).toContain('Write a whole number.');
  fireEvent.change(screen.getByLabelText('Count'), { target: { value: '50' } });
  expect(config()).toEqual({ count: 50 });
  await userEvent.click(screen.getByRole('button', { name: 'Use a parameter for Count' }));
  await userEvent.keyboard('{Enter}'); // the first that fits has the keyboard
  expect(config()).toEqual({ count: { parameter: 'most' } });
  expect(screen.getByRole('group', { name: 'Count comes from the parameter most' }).textContent).toContain('$most');
  await userEvent.click(screen.getByRole('button', { name: 'Use a value for Count' }));
  expect(config()).not.toHaveProperty('count', { parameter: 'most' });
});

test('the options of a file follow its format', () => {
  const { editor, show } = setup([node('f', 'file.input', { path: 'a.csv' })]);
  editor.openNode('f');
  show(<ConfigPanel />);
  const csv = golden.formats.find((f) => f.name === 'csv')?.readOptions as Schema | undefined;
  const [first] = csv ? Object.values(csv.properties ?? {}) : [];
  if (first?.title) expect(screen.getByText(first.title, { selector: '.form-label' })).toBeTruthy();
  cleanup();
  editor.config('f', 'Set', (config) => void (config.path = 'a'));
  const again = setup([node('f', 'file.input', { path: 'a' })]);
  again.editor.openNode('f');
  again.show(<ConfigPanel />);
  expect(screen.getByText('Choose a file or a format first.')).toBeTruthy();
});

test('walking over the canvas with the settings open leaves the keyboard there', async () => {
  const { editor, show } = setup([node('a', 'limit'), node('b', 'limit')]);
  editor.openNode('a');
  show(<><button type="button">canvas</button><ConfigPanel /></>);
  await vi.waitFor(() => expect(document.activeElement?.tagName).toBe('INPUT'));
  screen.getByText('canvas').focus();
  editor.select(['b']);
  await new Promise<void>((done) => setTimeout(done));
  await screen.findByPlaceholderText('b');
  expect(document.activeElement).toBe(screen.getByText('canvas'));
});

test('a read-only flow shows its settings and changes nothing', () => {
  const { editor, show } = setup([node('keep', 'filter', { condition: 'a' })]);
  editor.set({ readOnly: true });
  editor.openNode('keep');
  show(<ConfigPanel />);
  expect(screen.getByLabelText<HTMLTextAreaElement>('Condition').readOnly).toBe(true);
});

test('problems are listed with errors first; the button and F8 go to the setting', async () => {
  const { editor, show } = setup([node('a', 'filter'), node('b', 'filter')]);
  editor.checked({ ports: [], problems: [problem({ severity: 'warning', message: attack, path: { node: 'a' } }), problem({ message: 'b is wrong', path: { node: 'b', field: 'condition' } })] });
  show(<ProblemsPanel />);
  const [first, second] = screen.getAllByRole('listitem');
  expect(first!.textContent).toContain('B is wrong.');
  expect(second!.textContent).toContain(attack);
  expect(document.querySelector('script, img')).toBeNull();
  await userEvent.click(within(first!).getByRole('button'));
  expect(editor.state.panel).toMatchObject({ node: 'b', field: 'condition' });
  const visited = [1, 1, 1, -1].map((step) => (walkProblems(editor, step as 1 | -1), editor.state.panel!.node));
  expect(visited).toEqual(['b', 'a', 'b', 'a']);
});

const preview: Preview = {
  node: 'keep', source: 'keep', read: 2, complete: true, sample: { mode: 'first' }, scanned: 2, took: 1e6, at: '2026-01-31T10:42:07Z', cached: false,
  inputs: [{ node: 'keep', port: 'in', schema: [{ name: 'a', type: 'text' }, { name: 'gone', type: 'text' }], rows: [[attack, 'x'], ['b', null]], records: 2 }],
  outputs: [{ node: 'keep', port: 'out', schema: [{ name: 'a', type: 'text' }, { name: 'new', type: 'int64' }], rows: [[attack, '1'], ['b', '2']], records: 2 }, { node: 'keep', port: 'unmatched', schema: [], rows: [], records: 0 }],
  rejects: [{ node: 'keep', code: 'c', reason: attack, raw: attack }],
};

test('a preview shows both sides with what changed, filters both, and lists refused records', async () => {
  const { editor, show } = setup([{ ...node('keep', 'filter'), name: attack }], {}, { preview: async () => preview });
  editor.select(['keep']);
  show(<PreviewPanel />);
  const [input, output] = await screen.findAllByRole('grid');
  expect(within(input!).getByText('removed')).toBeTruthy();
  expect(within(output!).getByText('added')).toBeTruthy();
  fireEvent.click(output!.querySelector('.grid-bar')!);
  expect([input, output].map((g) => g!.getAttribute('aria-rowcount'))).toEqual(['2', '2']);
  await userEvent.click(screen.getByRole('button', { name: /Remove the filter a/ }));
  expect(input!.getAttribute('aria-rowcount')).toBe('3');
  await userEvent.click(screen.getByRole('button', { name: /Rejects · 1/ }));
  expect(screen.getByRole('region', { name: 'Refused records' }).textContent).toContain(attack);
  expect(document.querySelector('script, img')).toBeNull();
});

test('an output has the refused records beside its own', async () => {
  const { editor, show } = setup([node('keep', 'filter')], {}, { preview: async () => ({ ...preview, outputs: [] }) });
  editor.select(['keep']);
  show(<PreviewPanel />);
  const side = await screen.findByRole('region', { name: 'Rejects' });
  expect(within(side).getByText('1 record')).toBeTruthy();
  expect(within(side).getByRole('region', { name: 'Refused records' }).textContent).toContain(attack);
});

test('a preview of a broken node says why and leads to the setting', async () => {
  const broken: Preview = { ...preview, inputs: [], outputs: [], problems: [problem({ message: 'there is no field "x"', path: { node: 'keep', field: 'condition' } })] };
  const { editor, show } = setup([node('keep', 'filter')], {}, { preview: async () => broken });
  editor.select(['keep']);
  show(<PreviewPanel />);
  await userEvent.click(await screen.findByRole('button', { name: 'Go to setting' }));
  expect(editor.state.panel).toMatchObject({ node: 'keep', field: 'condition' });
});

test('a column gives a node, put into its edge', () => {
  const edges = [{ from: { node: 'keep', port: 'out' }, to: { node: 's', port: 'in' } }];
  const { editor } = setup([node('keep', 'filter'), node('s', 'sort')], { edges });
  const menu = { name: 'unit price', type: 'text', schema: [{ name: 'id', type: 'int64' }, { name: 'unit price', type: 'text' }], stats: statsOf('text', ["it's", "it's", 'b']), node: 'keep', port: 'out', side: 'out' as const };
  const [filter, , rename] = newNodes(menu);
  expect(rename!.config).toEqual({ fields: [{ name: 'id' }, { name: 'unit price', as: 'unit price_new' }], others: 'keep' });
  addFor(editor, menu, filter!);
  const added = editor.state.document.nodes.at(-1)!;
  expect(added.config).toEqual({ condition: `"unit price" = 'it''s'` });
  expect(editor.state.document.edges.map((e) => `${e.from.node}>${e.to.node}`).sort()).toEqual([`${added.id}>s`, `keep>${added.id}`].sort());
  expect(editor.state.panel).toMatchObject({ node: added.id, field: 'condition' });
  editor.undo();
  expect(editor.state.document.edges).toEqual(edges);
});

const run: Run = { id: 'r1', flow: 'flow', flowName: 'F', trigger: 'manual', state: 'succeeded', attempt: 1, createdAt: '2026-01-31T10:00:00Z', createdBy: 'me', startedAt: '2026-01-31T10:00:00Z', endedAt: '2026-01-31T10:00:42Z', read: 2100000, written: 7, rejected: 3 } as Run;

test('rejects are read page by page, of the selected node', async () => {
  const reject = (raw: string): Reject => ({ node: 'keep', code: 'csv.type', reason: 'no number', file: 'a.csv', line: 1700, record: 1699, raw });
  const rejects = vi.fn(async (_: string, query: { cursor?: string; node?: string } = {}) => (query.cursor ? { items: [reject('second')] } : { items: [reject(attack)], next: 'n' }));
  const { editor, show } = setup([node('keep', 'filter')], {}, { rejects } as unknown as Partial<Client>);
  editor.set({ run });
  editor.select(['keep']);
  show(<RejectsPanel />);
  await screen.findByText(attack);
  expect(screen.getByText('a.csv, line 1,700 (record 1,699)')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Show more' }));
  await screen.findByText('second');
  expect(rejects.mock.calls.map(([, q]) => [q?.node, q?.cursor])).toEqual([['keep', ''], ['keep', 'n']]);
  expect(document.querySelector('script, img')).toBeNull();
});

test('runs tell their state in words and lead to their page', async () => {
  const { show } = setup([], {}, { runs: async () => ({ items: [run, { ...run, id: 'r/2', state: 'failed', error: problem({ message: attack }) } as Run] }) });
  show(<RunsPanel />);
  expect((await screen.findByText('▲ Done with rejects')).closest('tr')!.textContent).toContain('42 s');
  expect(screen.getAllByRole('link').map((a) => a.getAttribute('href'))).toEqual(['/runs/r1', '/runs/r%2F2']);
  expect(document.querySelector('script, img')).toBeNull();
});

test('the list of runs has no end before the first run, and a new run is put before all that were read', async () => {
  const all = Array.from({ length: 330 }, (_, i): Run => ({ ...run, id: `r${330 - i}` }));
  const asked: { cursor?: string | undefined; limit?: number | undefined }[] = [];
  let broken = false;
  const runs: Client['runs'] = (query = {}) => {
    asked.push(query);
    if (broken) return Promise.reject(new Error('the server does not answer'));
    const from = query.cursor ? all.findIndex((r) => r.id === query.cursor) : 0;
    const items = all.slice(from, from + query.limit!);
    const next = all[from + query.limit!]?.id;
    return Promise.resolve({ items, ...(next ? { next } : {}) });
  };
  const { editor, show } = setup([], {}, { runs });
  show(<RunsPanel />);
  const ids = () => [...document.querySelectorAll('a')].map((a) => a.getAttribute('href')!.slice('/runs/'.length));
  const more = async () => fireEvent.click(await screen.findByText('Show more'));
  broken = false;
  await waitFor(() => expect(ids().length).toBe(50));
  broken = true;
  await more();
  expect((await screen.findByText(/could not be read/)).textContent).toContain('the server does not answer');
  broken = false;
  for (let n = 100; n <= 300; n += 50) {
    await more();
    await waitFor(() => expect(ids().length).toBe(n));
  }
  all.unshift({ ...run, id: 'r331', state: 'running' });
  act(() => editor.set({ run: all[0]! }));
  await waitFor(() => expect(ids().length).toBe(301));
  await more();
  await waitFor(() => expect(ids()).toEqual(all.map((r) => r.id)));
  expect([screen.queryByText('Show more'), screen.queryByText(/could not be read/)]).toEqual([null, null]);
  expect(asked.every((q) => q.limit! <= 200)).toBe(true);
});

test('a page of rejects that could not be read can be asked for again', async () => {
  let broken = false;
  const rejects: Client['rejects'] = (_, query = {}) => {
    if (broken) return Promise.reject(new Error('the server does not answer'));
    const one = (raw: string): Reject => ({ node: 'read', code: 'x', reason: 'r', raw });
    return Promise.resolve(query.cursor ? { items: [one('second')] } : { items: [one('first')], next: 'c' });
  };
  const { editor, show } = setup([node('read', 'filter')], {}, { rejects });
  editor.set({ run });
  show(<RejectsPanel />);
  await screen.findByText('first');
  broken = true;
  fireEvent.click(screen.getByText('Show more'));
  const again = await screen.findByText('Try again');
  broken = false;
  fireEvent.click(again);
  await screen.findByText('second');
  expect([screen.queryByText('Try again'), screen.queryByText('Show more')]).toEqual([null, null]);
});

test('a number field follows an undo, and takes back what is no number by itself', async () => {
  const { editor, show, config } = setup([node('few', 'limit', { count: 5 })]);
  editor.openNode('few');
  show(<ConfigPanel />);
  const field = screen.getByLabelText<HTMLInputElement>('Count');
  fireEvent.change(field, { target: { value: '50' } });
  act(() => void editor.undo());
  expect([field.value, config()]).toEqual(['5', { count: 5 }]);
  fireEvent.change(field, { target: { value: '5x' } });
  expect([field.value, config()]).toEqual(['5x', { count: 5 }]);
  expect(fireEvent.keyDown(field, { key: 'z', ctrlKey: true })).toBe(false); // nobody else undoes
  expect(field.value).toBe('5');
  fireEvent.change(field, { target: { value: '' } });
  expect([field.value, config()]).toEqual(['', {}]);
});

test('what becomes of a refused record is said as it is: by the node type where that decides, else by the flow', () => {
  const first = setup([node('e', 'limit')]);
  const strict = { ...catalogue, nodes: catalogue.nodes.map((t) => (t.id === 'limit' ? { ...t, rejects: true, policy: 'reject' as const } : t)) };
  first.editor.set({ catalogue: strict });
  first.editor.openNode('e');
  first.show(<ConfigPanel />);
  const choice = screen.getByLabelText('A record that is refused');
  expect(within(choice).getAllByRole('option')[0]!.textContent).toBe("Store it as a reject (this node's default)");
  act(() => first.editor.set({ catalogue: { ...strict, nodes: strict.nodes.map(({ policy: _, ...t }) => t) } }));
  expect(within(choice).getAllByRole('option')[0]!.textContent).toBe('As the flow says: fail the run');
});

test('the records of the source that previews read are chosen in the preview, by keyboard, and belong to the view', async () => {
  const asked: unknown[] = [];
  const client = { preview: (question: { samples: unknown }) => (asked.push(question.samples), new Promise<Preview>(() => {})) } as unknown as Client;
  const { editor, show } = setup([node('orders', 'sample.data'), node('keep', 'filter', { condition: 'a' })], { edges: [{ from: { node: 'orders', port: 'out' }, to: { node: 'keep', port: 'in' } }] }, client);
  editor.openNode('keep');
  show(<PreviewPanel />);
  const user = userEvent.setup();
  await user.selectOptions(screen.getByLabelText('Records of orders'), 'where');
  expect(editor.state.samples).toEqual({});
  await user.keyboard("id > 4{Enter}");
  expect(editor.state.samples).toEqual({ orders: { mode: 'where', where: 'id > 4' } });
  await waitFor(() => expect(asked.at(-1)).toEqual({ orders: { mode: 'where', where: 'id > 4' } }));
  await user.selectOptions(screen.getByLabelText('Records of orders'), 'random');
  await user.click(screen.getByRole('button', { name: 'Draw other records' }));
  await waitFor(() => expect(asked.at(-1)).toEqual({ orders: { mode: 'random', seed: 2 } }));
  await user.selectOptions(screen.getByLabelText('Records of orders'), 'first');
  expect(editor.state.samples).toEqual({});
  expect(editor.state.canUndo).toBeNull();
});

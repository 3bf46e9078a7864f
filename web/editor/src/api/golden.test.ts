// What Go writes (server/api/testdata, kept by the tests of server/api) is what the editor reads.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cardOf, missingSettings } from '../canvas/card';
import { searchTypes } from '../canvas/search';
import { LiveStore } from '../live/store';
import { documentOf, outputsOf, typeOf } from '../model/document';
import { Editor } from '../model/editor';
import { emptyDocument } from '../model/document';
import { Client, errorOf } from './client';
import { watchRun, type Socket } from './live';
import type { Catalogue, Check, Flow, LogLine, Page, Preview, Reject, Run } from './types';

const text = (name: string) => readFileSync(new URL(`../../../../server/api/testdata/${name}.json`, import.meta.url), 'utf8');
const golden = <T>(name: string) => JSON.parse(text(name)) as T;
const server = (name: string, status = 200) => new Client('', (() => Promise.resolve(new Response(text(name), { status, headers: { 'Content-Type': 'application/json' } }))) as unknown as typeof fetch);

test('the catalogue feeds the palette, the ports and the cards', () => {
  const catalogue = golden<Catalogue>('catalogue');
  const filter = typeOf(catalogue, 'filter')!;
  expect(outputsOf(filter).map((port) => port.name)).toEqual(['out', 'unmatched', 'rejects']);
  expect(missingSettings(filter, {})).toEqual(['condition']);
  expect(searchTypes(catalogue.nodes, 'csv')[0]?.type.id).toBe('file.input');
});

test('a check puts problems and schemas where they belong', () => {
  const catalogue = golden<Catalogue>('catalogue');
  const editor = new Editor({ ...emptyDocument(), nodes: [{ id: 'keep', type: 'filter', version: 1, config: { condition: 'amuont > 1' } }] }, catalogue);
  editor.checked(golden<Check>('check'));
  expect(editor.schemaOf('read', 'out')?.map((field) => `${field.name} ${field.type}`)).toEqual(['id int64', 'amount decimal(10,2)', 'note text']);
  const card = cardOf(editor.state.document, catalogue, editor.state.document.nodes[0]!, editor.state.check.problems);
  expect(card.error).toBe('there is no field "amuont"');
  expect(editor.state.check.problems[0]?.path).toEqual({ node: 'keep', field: 'condition', offset: 1, length: 6 });
  editor.checked(golden<Check>('check_new'));
  expect(editor.state.check.problems).toEqual(golden<Check>('check_new').problems ?? []);
});

test('an error answer becomes a sentence with its problems', () => {
  expect(errorOf(422, 'application/problem+json', text('problem'))).toMatchObject({
    code: 'expr.unknown_field', detail: 'there is no field "amuont"', suggestion: 'did you mean "amount"?', path: { node: 'keep' }, problems: [{ code: 'expr.unknown_field' }],
  });
});

test('the messages of a run are followed', () => {
  let socket: Socket | undefined;
  const live = new LiveStore({ now: () => 0, frame: () => 0, cancel: () => {} });
  const fake: Socket = { onopen: null, onmessage: null, onclose: null, send: () => {}, close: () => {} };
  watchRun('r', { snapshot: (m) => live.snapshot(m.run, m.log), delta: (m) => live.delta(m.run, m.nodes ?? [], m.log ?? []) }, {
    connect: () => (socket = fake), later: () => 0, cancel: () => {}, hidden: () => false, onVisibility: () => () => {}, random: () => 0,
  });
  socket!.onmessage!({ data: text('snapshot') });
  expect(live.state('read')).toBe('done');
  socket!.onmessage!({ data: text('delta') });
  expect(live.status('keep')).toMatchObject({ state: 'running', in: { in: 99 }, out: { out: 40, unmatched: 59 }, stoppedEarly: ['unmatched'] });
  expect(live.run).toMatchObject({ state: 'running', read: 99 });
  expect(live.log.map((line) => line.seq)).toContain(1);
  expect(golden('ask')).toEqual({ kind: 'snapshot' });
});

test('flows, runs, previews, rejects and logs are read by the client', async () => {
  const flow: Flow = await server('flow').flow('x');
  expect(documentOf(flow.document)).toMatchObject({ format: 1, name: flow.name });
  const runs: Page<Run> = await server('runs').runs();
  expect(runs.items[0]).toMatchObject({ flow: flow.id, flowName: 'Orders' });
  const preview: Preview = await server('preview').preview({ document: {}, node: 'keep' });
  const sample = preview.outputs[0]!;
  expect(sample.rows[0]).toHaveLength(sample.schema.length);
  const broken: Preview = await server('preview_broken').preview({ document: {}, node: 'keep' });
  expect(broken.problems?.[0]?.message).toBeTruthy();
  const rejects: Page<Reject> = await server('rejects').rejects('x');
  expect(rejects.items[0]?.reason).toBeTruthy();
  const log: Page<LogLine> = await server('log').log('x');
  expect(log.items[0]?.message).toBe('the run began');
});

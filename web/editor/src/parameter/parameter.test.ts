import { expect, test } from 'vitest';
import type { Catalogue } from '../api/types';
import type { FlowDocument, Parameter } from '../model/document';
import { Editor } from '../model/editor';
import { chosenEnvironment } from './environment';
import { fitting, needsValue, rememberedValues, rememberValues, renameUses, usesOf, wrongValue } from './parameter';

const type = (id: string, properties: Record<string, unknown>) => ({ id, version: 1, title: id, schema: { type: 'object', properties } });
const catalogue = { nodes: [
  type('in', { path: { type: 'string', 'x-widget': 'path' }, where: { type: 'string', 'x-widget': 'sql' }, count: { type: 'integer' }, options: { type: 'object' } }),
  type('filter', { condition: { type: 'string', 'x-widget': 'condition' }, fields: { type: 'array', items: { type: 'object', properties: { expression: { type: 'string', 'x-widget': 'expression' }, name: { type: 'string' } } } } }),
], functions: [], formats: [] } as unknown as Catalogue;

const flow = (): FlowDocument => ({ format: 1, name: 'f', edges: [], parameters: [{ name: 'day', type: 'text' }, { name: 'days', type: 'int64' }], nodes: [
  { id: 'a', type: 'in', version: 1, config: { path: '${day}-${day:yyyy}-${days}-$${day}.csv', where: "d = ${day} and t = '$day' and x = $day", count: { parameter: 'day' }, options: { delimiter: '${day}' } } },
  { id: 'b', type: 'filter', version: 1, config: { condition: "$day = '$day' and $days > 1", fields: [{ expression: 'upper($day)', name: '$day' }] } },
] });

test('a renamed parameter keeps its uses, in one step of undo, and touches no text that only looks like one', () => {
  const editor = new Editor(flow(), catalogue);
  editor.change('Rename a parameter', (doc) => {
    renameUses(doc, catalogue, 'day', 'date');
    doc.parameters![0]!.name = 'date';
  });
  const [a, b] = editor.state.document.nodes;
  expect(a!.config).toEqual({ path: '${date}-${date:yyyy}-${days}-$${day}.csv', where: "d = ${date} and t = '$day' and x = $date", count: { parameter: 'date' }, options: { delimiter: '${date}' } });
  expect(b!.config).toEqual({ condition: "$date = '$day' and $days > 1", fields: [{ expression: 'upper($date)', name: '$day' }] });
  editor.undo();
  expect(editor.state.document).toEqual(flow());
});

test('the nodes that use a parameter are known', () => {
  expect(usesOf(flow(), catalogue, 'day')).toEqual(['a', 'b']);
  expect(usesOf(flow(), catalogue, 'other')).toEqual([]);
});

test('a run is asked for what has neither a default nor a value in its environment', () => {
  const p: Parameter = { name: 'p', type: 'text', environments: { production: 'x' } };
  expect([needsValue(p, 'production'), needsValue(p, 'development'), needsValue({ ...p, default: '' }, 'development'), needsValue({ ...p, default: null }, 'development')]).toEqual([false, true, false, false]);
});

test('what is given is remembered per flow, but for secrets', () => {
  const kept = new Map<string, string>();
  const storage = { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v) };
  const parameters: Parameter[] = [{ name: 'a', type: 'text' }, { name: 's', type: 'text', secret: true }];
  rememberValues('f', parameters, { a: '1', s: 'canary-55', gone: 'x' }, storage);
  expect([...kept.values()].join()).not.toContain('canary');
  expect(rememberedValues('f', parameters, storage)).toEqual({ a: '1' });
  expect(rememberedValues('g', parameters, storage)).toEqual({});
  kept.set('spark.parameters.f', '{"s": "old", "a": 5');
  expect(rememberedValues('f', parameters, storage)).toEqual({});
});

test('values of the wrong type are told before the server is asked, and settings take only parameters that fit', () => {
  expect(['int64:1.5', 'int64:12', 'decimal(5,2):x', 'boolean:yes', 'date:31.1.2026', 'date:2026-01-31', 'text:x'].map((s) => wrongValue(s.slice(s.indexOf(':') + 1), s.slice(0, s.indexOf(':'))) === '')).toEqual([false, true, false, false, false, true, true]);
  const parameters: Parameter[] = [{ name: 't', type: 'text' }, { name: 'n', type: 'int32' }, { name: 'd', type: 'double' }, { name: 'b', type: 'boolean' }, { name: 's', type: 'text', secret: true }];
  const names = (schema: object) => fitting(schema, parameters).map((p) => p.name).join('');
  expect([names({ type: 'integer' }), names({ type: 'number' }), names({ type: 'boolean' }), names({ type: 'string' }), names({ type: 'string', 'x-secrets': 'true' })]).toEqual(['n', 'nd', 'b', 'tndb', 'tndbs']);
});

test('the environment that was chosen last is taken, unless it is gone', () => {
  const list = [{ name: 'production', default: true }, { name: 'development' }];
  const with_ = (last: string | null) => chosenEnvironment(list, { getItem: () => last });
  expect([with_('development'), with_('gone'), with_(null), chosenEnvironment([], { getItem: () => 'x' })]).toEqual(['development', 'production', 'production', '']);
});

test('a list fits where its items do, and its items are looked at one by one', () => {
  const parameters: Parameter[] = [{ name: 'states', type: 'list<text>' }, { name: 'ids', type: 'list<int64>' }, { name: 'day', type: 'date' }, { name: 'token', type: 'text', secret: true }];
  const names = (schema: Record<string, unknown>) => fitting(schema as never, parameters).map((p) => p.name);
  expect(names({ type: 'array', items: { type: 'string' } })).toEqual(['states', 'ids', 'day']);
  expect(names({ type: 'array', items: { type: 'integer' } })).toEqual(['ids']);
  expect(names({ type: 'string' })).toEqual(['day']);
  expect([wrongValue('1, 2', 'list<int64>'), wrongValue('1, x', 'list<int64>'), wrongValue('["a", 1]', 'list<text>'), wrongValue('["a", "b,c"]', 'list<text>'), wrongValue('[', 'list<text>'), wrongValue('', 'list<text>')])
    .toEqual(['', 'Item 2: Write a whole number.', 'Item 2 is no value of type text.', '', 'Write a list such as a, b or ["a", "b"].', '']);
  expect([wrongValue('13:45', 'time'), wrongValue('13:45:00', 'time'), wrongValue('2026-01-31 13:45:00', 'timestamp'), wrongValue('2026-01-31 13:45:00', 'timestamptz'), wrongValue('2026-01-31 13:45:00Z', 'timestamptz')].map((text) => text === ''))
    .toEqual([false, true, true, false, true]);
});

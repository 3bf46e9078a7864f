import { expect, test } from 'vitest';
import { formatPath, parsePath, put, valueAt, within } from './path';
import { applyProposal, problemsAt, problemsWithin, proposal, sentence, type Problem } from './problem';
import { emptyOf, membersOf, shown, wordOf, type Schema } from './schema';
import { fieldsFor, inputsFor } from './scope';
import { digitsOf, familyOf, kindOf, typeWith } from './type';
import { impliedOf } from './widget/enum';
import { moved } from './widget/list';
import { builderFunctions, simpleOf, writeSimple } from './widget/aggregate';
import { readNumber } from './widget/number';
import { formatOf } from './widget/options';
import { referenceOf } from '../parameter/UseParameter';

const schema: Schema = {
  type: 'object',
  'x-order': ['others', 'drop', 'count'],
  required: ['count'],
  properties: {
    count: { type: 'integer', title: 'Records', default: 1000, minimum: 1, 'x-value': true },
    drop: { type: 'array', items: { type: 'string' }, 'x-widget': 'fieldnames', 'x-showIf': 'others=keep', 'x-advanced': true },
    others: { type: 'string', title: 'Other fields', enum: ['drop', 'keep'], default: 'drop' },
  },
};

test('members come in the order of the hint, with their widgets', () => {
  const members = membersOf(schema);
  expect(members.map((m) => m.name)).toEqual(['others', 'drop', 'count']);
  expect(members.map((m) => m.widget)).toEqual(['enum', 'fieldnames', 'number']);
  expect(members.map((m) => [m.required, m.advanced, m.value])).toEqual([[false, false, false], [false, true, false], [true, false, true]]);
  expect(membersOf(schema, 'options')[0]!.path).toBe('options.others');
});

test('a schema without an order shows all its members', () => {
  expect(membersOf({ properties: { b: { type: 'boolean' }, a: { type: 'array', items: { type: 'string' } } } }).map((m) => m.widget)).toEqual(['boolean', 'texts']);
});

test('x-showIf follows the value, and the default while nothing is set', () => {
  const members = membersOf(schema);
  const drop = members.find((m) => m.name === 'drop')!;
  expect(shown(drop, members, {})).toBe(false);
  expect(shown(drop, members, { others: 'keep' })).toBe(true);
  expect(shown(drop, members, { others: 'drop' })).toBe(false);
});

test('x-showIf inside a part looks at that part', () => {
  const members = membersOf(schema, 'options');
  expect(shown(members[1]!, members, { others: 'drop', options: { others: 'keep' } })).toBe(true);
});

test('x-showIf names one value or several', () => {
  const members = membersOf({ properties: { function: { type: 'string' }, offset: { type: 'integer', 'x-showIf': 'function=lag|lead' } } });
  expect(['lag', 'lead', 'sum', 'lag|lead', undefined].map((f) => shown(members[1]!, members, { function: f }))).toEqual([true, true, false, false, false]);
});

test('x-showIf may ask only whether something is set', () => {
  const members = membersOf({ properties: { each: { type: 'string' }, position: { type: 'string', 'x-showIf': 'each' } } });
  expect(['$.items[*]', '', undefined].map((each) => shown(members[1]!, members, { each }))).toEqual([true, false, false]);
});

test('a new item has what must be filled in', () => {
  const items: Schema = { type: 'object', required: ['name', 'type'], properties: { name: { type: 'string' }, type: { type: 'string', 'x-widget': 'type' }, zone: { type: 'string' } } };
  expect(emptyOf(items)).toEqual({ name: '', type: 'text' });
  expect(emptyOf({ type: 'string' })).toBe('');
});

test('values of enums are words', () => {
  expect(wordOf('fillNull')).toBe('Fill null');
  expect(wordOf('json')).toBe('JSON');
  expect(wordOf('iso-8859-1')).toBe('iso-8859-1');
  expect(wordOf(',')).toBe(',');
  expect(wordOf('uuid')).toBe('UUID');
});

test('the value that counts while none is chosen is the one that the help names', () => {
  const implied = (help: string) => impliedOf(membersOf({ properties: { order: { type: 'string', enum: ['ascending', 'descending'], description: help } } })[0]!);
  expect(['Empty: ascending.', 'Which way. Empty: descending.', 'Empty: by the file.', ''].map(implied)).toEqual(['ascending', 'descending', '', '']);
});

test('paths are read and written as problems name them', () => {
  expect(parsePath('fields[2].expression')).toEqual(['fields', 2, 'expression']);
  expect(formatPath(['fields', 2, 'expression'])).toBe('fields[2].expression');
  expect(within('fields[2].name', 'fields[2]')).toBe(true);
  expect(within('fields[21].name', 'fields[2]')).toBe(false);
  expect(valueAt({ a: [{ b: 1 }] }, 'a[0].b')).toBe(1);
  expect(valueAt({}, 'constructor')).toBeUndefined();
});

test('a value is put where the path says; undefined takes it away', () => {
  const config: Record<string, unknown> = { list: [{ a: 1 }, { a: 2 }] };
  put(config, 'list[1].a', 3);
  put(config, 'options.delimiter', ';');
  put(config, 'drop[0]', 'x');
  expect(config).toEqual({ list: [{ a: 1 }, { a: 3 }], options: { delimiter: ';' }, drop: ['x'] });
  put(config, 'options.delimiter', undefined);
  put(config, 'list[0]', undefined);
  expect(config).toEqual({ list: [{ a: 3 }], options: {}, drop: ['x'] });
  put(config, '__proto__.polluted', true);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

const problem = (over: Partial<Problem>): Problem => ({ code: 'x', message: 'm', ...over });

test('problems stand at their setting', () => {
  const all = [problem({ path: { field: 'fields[2].expression' } }), problem({ path: { field: 'fields' } }), problem({})];
  expect(problemsAt(all, 'fields[2].expression')).toEqual([all[0]]);
  expect(problemsAt(all, '')).toEqual([all[2]]);
  expect(problemsWithin(all, 'fields')).toEqual([all[0], all[1]]);
});

test('only "did you mean" is a proposal', () => {
  expect(proposal(problem({ suggestion: 'did you mean "unit price"?' }))).toBe('unit price');
  expect(proposal(problem({ suggestion: 'did you mean "a\\"b"?' }))).toBe('a"b');
  expect(proposal(problem({ suggestion: 'there is a, b' }))).toBeUndefined();
  expect(proposal(problem({}))).toBeUndefined();
});

test.each([
  ['a field, quoted where it must be', 'expr.unknown_field', 'pries > 1', { offset: 1, length: 5 }, 'unit price', '"unit price" > 1'],
  ['a field behind characters of two units', 'expr.unknown_field', "'💶' = pries", { offset: 7, length: 5 }, 'price', "'💶' = price"],
  ['a function', 'expr.unknown_function', 'uper(a)', { offset: 1, length: 4 }, 'upper', 'upper(a)'],
  ['a parameter', 'expr.unknown_parameter', 'a = $dya', { offset: 5, length: 4 }, 'day', 'a = $day'],
  ['a text', 'expr.arguments', "date_trunc('mnth', d)", { offset: 12, length: 6 }, 'month', "date_trunc('month', d)"],
])('a proposal replaces %s', (_, code, before, at, word, after) => {
  const config = { condition: before };
  expect(applyProposal(config, problem({ code, suggestion: `did you mean ${JSON.stringify(word)}?`, path: { field: 'condition', ...at } }))).toBe(true);
  expect(config.condition).toBe(after);
});

test('a proposal sets a whole value, a reference, a part of a path, or the name of a member', () => {
  const config: Record<string, unknown> = { keys: [{ field: 'naem' }], count: { parameter: 'n' }, path: 'x-${dya}.csv', fromat: 'csv' };
  const say = (word: string) => `did you mean "${word}"?`;
  applyProposal(config, problem({ suggestion: say('name'), path: { field: 'keys[0].field' } }));
  applyProposal(config, problem({ code: 'expr.unknown_parameter', suggestion: say('max'), path: { field: 'count' } }));
  applyProposal(config, problem({ code: 'expr.unknown_parameter', message: 'there is no parameter "dya"', suggestion: say('day'), path: { field: 'path' } }));
  applyProposal(config, problem({ code: 'config.unknown', suggestion: say('format'), path: { field: 'fromat' } }));
  expect(config).toEqual({ keys: [{ field: 'name' }], count: { parameter: 'max' }, path: 'x-${day}.csv', format: 'csv' });
  expect(applyProposal(config, problem({ suggestion: say('x'), path: { field: 'gone' } }))).toBe(false);
});

test('messages become sentences', () => {
  expect(sentence('there is no field "a"')).toBe('There is no field "a".');
  expect(sentence('did you mean "a"?')).toBe('Did you mean "a"?');
  expect(sentence('')).toBe('');
});

test('types have kinds and digits', () => {
  expect(kindOf('decimal(10,2)')).toBe('decimal');
  expect(digitsOf('decimal( 10 , 3 )')).toEqual({ precision: 10, scale: 3 });
  expect(typeWith('decimal', { precision: 99, scale: 50 })).toBe('decimal(38,38)');
  expect(typeWith('decimal', { precision: NaN, scale: -1 })).toBe('decimal(1,0)');
  expect(familyOf('list<int64>')).toBe('other');
});

test('numbers are read, and what is none says why', () => {
  expect(readNumber('1,000', true)).toEqual({ value: 1000 });
  expect(readNumber('', true)).toEqual({ value: undefined });
  expect(readNumber('1.5', true)).toEqual({ wrong: 'Write a whole number.' });
  expect(readNumber('9007199254740993', true)).toEqual({ wrong: 'The number is too large.' });
  expect(readNumber('-.5e3', false)).toEqual({ value: -500 });
});

test('the format is the one that is set, else the extension tells', () => {
  const formats = [{ name: 'csv', title: 'CSV', extensions: ['.csv', '.tsv'] }, { name: 'parquet', title: 'Parquet', extensions: ['.parquet'] }];
  expect(formatOf(formats, 'parquet', 'a.csv')?.name).toBe('parquet');
  expect(formatOf(formats, undefined, 'in/A.CSV.gz')?.name).toBe('csv');
  expect(formatOf(formats, '', 'a.v2/noextension')).toBeUndefined();
});

test('a setting sees the input of its own name, else all of them', () => {
  const inputs = [
    { port: 'left', title: 'Left', fields: [{ name: 'id', type: 'int64' }] },
    { port: 'right', title: 'Right', fields: [{ name: 'id', type: 'text' }, { name: 'x', type: 'text' }] },
  ];
  expect(inputsFor({ inputs }, 'right')).toEqual([inputs[1]]);
  expect(fieldsFor({ inputs }, 'right').map((f) => f.type)).toEqual(['text', 'text']);
  expect(fieldsFor({ inputs }, 'condition').map((f) => `${f.from}.${f.name}`)).toEqual(['Left.id', 'Right.x']);
});

test('the quick builder reads and writes function and field', () => {
  expect(simpleOf('SUM( "unit price" )')).toEqual({ name: 'sum', field: 'unit price' });
  expect(simpleOf('count()')).toEqual({ name: 'count', field: '' });
  expect(simpleOf('sum(a) / count()')).toBeUndefined();
  expect(simpleOf('sum(1)')).toBeUndefined();
  expect(writeSimple({ name: 'max', field: 'order' })).toBe('max(order)');
  expect(writeSimple({ name: 'max', field: 'unit price' })).toBe('max("unit price")');
  const f = (name: string, signature: string, aggregate = true) => ({ name, category: '', signatures: [signature], help: '', example: '', aggregate });
  expect(builderFunctions([f('sum', '(x number)'), f('sum_if', '(x number, c boolean)'), f('string_agg', '(x text, separator name) → text'), f('upper', '(x text) → text', false)])).toEqual(['sum']);
});

test('items move', () => {
  expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a']);
  expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b']);
});

test('references are told from literals', () => {
  expect(referenceOf({ parameter: 'n' })).toEqual({ kind: 'parameter', name: 'n' });
  expect(referenceOf(5)).toBeUndefined();
  expect(referenceOf({ rawJSON: '1' })).toBeUndefined();
});

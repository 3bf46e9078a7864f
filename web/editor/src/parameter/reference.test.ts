import { expect, test } from 'vitest';
import { complete } from '../expression/completion';
import type { Parameter } from '../model/document';
import { choicesOf, partsOf, referencesIn, writtenAt } from './reference';

const parameters: Parameter[] = [
  { name: 'token', type: 'text', secret: true }, { name: 'day', type: 'date', default: '2026-01-31' }, { name: 'today', type: 'text', default: '' }, { name: 'limit', type: 'int64' },
];

test.each([
  ['out-${', 6, { from: 4, to: 6, typed: '' }],
  ['a${da}b', 5, { from: 1, to: 6, typed: 'da' }],
  ['a${da|y}', 5, { from: 1, to: 5, typed: 'da' }],
  ['$${da', 5, undefined],
  ['$$${da', 6, { from: 2, to: 6, typed: 'da' }],
  ['${a b', 5, undefined],
  ['${a}', 4, undefined],
])('what is written in %s at %d', (text, cursor, want) => {
  expect(writtenAt(text, cursor)).toEqual(want);
});

test('beginnings come first, and secrets that may not stand there last', () => {
  expect(choicesOf(parameters, 'da', false).map((c) => c.name)).toEqual(['day', 'today']);
  expect(choicesOf(parameters, '', false).map((c) => [c.name, c.detail, c.refused])).toEqual([
    ['day', 'date · 2026-01-31', false], ['limit', 'int64 · no default', false], ['today', 'text · empty', false], ['token', 'text · secret: not in this setting', true],
  ]);
  expect(choicesOf(parameters, 'tok', true)).toEqual([{ name: 'token', detail: 'text · secret', refused: false }]);
  expect(referencesIn(parameters)('t_${li')).toEqual([{ value: 't_${limit}', detail: 'int64 · no default' }]);
  expect(referencesIn(parameters)('t_')).toBeUndefined();
});

test('what refers to nothing is told apart', () => {
  expect(partsOf('a ${day} ${dya} $${x} ${}', parameters)).toEqual([
    { text: 'a ${day} ', unknown: false }, { text: '${dya}', unknown: true }, { text: ' $${x} ', unknown: false }, { text: '${}', unknown: true },
  ]);
});

test('an expression spells a completed reference $name', () => {
  const scope = { fields: [], functions: [], parameters };
  const found = complete('id > ${li}', 9, scope)!;
  expect([found.from, found.to, found.options[0]!.insert]).toEqual([5, 10, '$limit']);
  expect(complete("'${li'", 5, scope)).toBeUndefined();
});

test('facts of the run, bounds of a cursor and formats are no unknown parameters', () => {
  expect(partsOf('/x/${run.id}/${cursor.from}/${day:yyyy}', [{ name: 'day', type: 'date' }]).some((p) => p.unknown)).toBe(false);
  expect(partsOf('${runs.id}', [])).toEqual([{ text: '${runs.id}', unknown: true }]);
});

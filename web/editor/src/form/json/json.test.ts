import { expect, test } from 'vitest';
import { readJson } from './read';
import { arrayOf, leavesOf, nameOf, stepOf, treeOf, typeOfBranch } from './tree';

test('numbers keep their digits', () => {
  expect(readJson(' {"a": [12345678901234567890.10, -0, 1E400], "b": "x\\n"} ')).toEqual({
    kind: 'object',
    members: [['a', { kind: 'list', items: [{ kind: 'number', text: '12345678901234567890.10' }, { kind: 'number', text: '-0' }, { kind: 'number', text: '1E400' }] }], ['b', { kind: 'text', text: 'x\n' }]],
  });
});

test('a text that was cut gives what stands before its end', () => {
  for (const text of ['{"a":1,"b":[true,"lon…', '{"a":1,"b":[true', '{"a":1,"b":[true,12']) {
    expect(readJson(text)).toEqual({ kind: 'object', members: [['a', { kind: 'number', text: '1' }], ['b', { kind: 'list', items: [{ kind: 'boolean', text: 'true' }] }]] });
  }
});

test('what is no JSON is none', () => {
  expect([readJson('<html>'), readJson(''), readJson('"x'), readJson('n/a')]).toEqual([undefined, undefined, undefined, undefined]);
  expect(readJson('['.repeat(200_000))?.kind).toBe('list'); // deep, and no stack is exhausted
});

test('records are merged, with what they have and how often', () => {
  const { root, records, others } = treeOf(['{"id":1,"who":{"Full Name":"A"},"tags":["x"]}', '{"id":2,"who":{"Full Name":null}}', '{"id":"n/a"}', null, '<html>']);
  expect([records, others]).toEqual([3, 2]);
  expect(leavesOf(root).map((b) => [b.path, b.present, b.kinds, typeOfBranch(b)])).toEqual([
    ['$.id', 3, { number: 2, text: 1 }, 'text'],
    ["$.who['Full Name']", 2, { text: 1, null: 1 }, 'text'],
    ['$.tags', 1, { list: 1 }, 'json'],
  ]);
});

test('types are guessed so that every value fits', () => {
  const guess = (...values: string[]) => typeOfBranch(treeOf(values).root);
  expect(guess('1', '22')).toBe('int64');
  expect(guess('1234567890123456789012')).toBe('int128');
  expect(guess('1.5', '100.25')).toBe('decimal(18,2)');
  expect(guess('12345678901234567.25')).toBe('decimal(38,2)');
  expect(guess('1e5')).toBe('double');
  expect(guess('true', 'null')).toBe('boolean');
  expect(guess('"2026-01-31"', '"2026-02-01"')).toBe('date');
  expect(guess('"2026-01-31T10:00:00Z"')).toBe('timestamptz');
  expect(guess('"2026-01-31"', '"later"')).toBe('text');
  expect(guess('"6fa459ea-ee8a-4ca4-894e-db77e160355e"')).toBe('uuid');
  expect(guess('null')).toBe('text');
  expect(guess('1', 'true')).toBe('text');
  expect(guess('{}', '1')).toBe('json');
});

test('where nearly all values are numbers the others are refused', () => {
  const texts = (numbers: number, others: number) => [...Array.from({ length: numbers }, (_, i) => `{"price":${i}.5}`), ...Array.from({ length: others }, () => '{"price":"n/a"}')];
  const guess = (numbers: number, others: number) => typeOfBranch(treeOf(texts(numbers, others)).root.children[0]!);
  expect(guess(117, 3)).toBe('decimal(18,2)');
  expect(guess(9, 1)).toBe('decimal(18,2)');
  expect(guess(89, 11)).toBe('text');
  expect(typeOfBranch(treeOf([...Array.from({ length: 50 }, (_, i) => `${i}`), '{}']).root)).toBe('json');
});

test('the elements of an array are merged', () => {
  const { root } = treeOf(['{"id":1,"items":[{"id":7,"of":[1]},{"id":8,"of":[]}]}', '{"id":2,"items":[{"id":9,"note":null}]}', '{"id":3,"items":[],"tags":["a"]}']);
  expect(leavesOf(root).map((b) => [b.path, typeOfBranch(b)])).toEqual([['$.id', 'int64'], ['$.items', 'json'], ['$.tags', 'json']]);
  const leaves = leavesOf(root, '$.items');
  expect(leaves.map((b) => [b.path, b.present, b.array, typeOfBranch(b)])).toEqual([
    ['$.id', 3, undefined, 'int64'],
    ['$.items[*].id', 3, '$.items', 'int64'],
    ['$.items[*].of', 2, '$.items', 'list<json>'],
    ['$.items[*].note', 1, '$.items', 'text'],
    ['$.tags', 1, undefined, 'json'],
  ]);
  expect(nameOf(leaves[2]!, new Set())).toBe('of');
  expect(nameOf(leaves[1]!, new Set(['id']))).toBe('items_id');
  expect(leavesOf(root, '$.tags').map((b) => [b.path, nameOf(b, new Set())]).at(-1)).toEqual(['$.tags[*]', 'tags']);
  expect(leavesOf(treeOf(['[{"a":1}]']).root, '$').map((b) => b.path)).toEqual(['$[*].a']);
  expect(['$.items[*]', '$.items', '', undefined].map(arrayOf)).toEqual(['$.items', '$.items', undefined, undefined]);
});

test('names are snake case, and different', () => {
  const taken = new Set(['id']);
  expect(nameOf({ words: ['customer', 'fullName'] }, taken)).toBe('customer_full_name');
  expect(nameOf({ words: ['id'] }, taken)).toBe('id_2');
  expect(nameOf({ words: ['HTTPStatus'] }, taken)).toBe('http_status');
  expect(nameOf({ words: ['2x'] }, taken)).toBe('n2x');
  expect(nameOf({ words: ['!'] }, taken)).toBe('value');
});

test('any key becomes a step', () => {
  expect(['a-b', "it's", 'x y', 'a\\b', 'ü'].map(stepOf)).toEqual(['.a-b', "['it\\'s']", "['x y']", "['a\\\\b']", "['ü']"]);
});

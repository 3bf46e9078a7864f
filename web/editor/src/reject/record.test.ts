import { expect, test } from 'vitest';
import { addressOf, isGroup, placeIn } from './place';
import { partsOf } from './record';

const base = { node: 'a', code: 'c', reason: '', raw: '' };
const marked = (reject: Parameters<typeof partsOf>[0]) => partsOf(reject).filter((p) => p.bad).map((p) => p.text);
const shown = (reject: Parameters<typeof partsOf>[0]) => partsOf(reject).map((p) => p.text).join('');

test('the value that was refused is marked, and nothing of the record is lost', () => {
  const line = { ...base, raw: '10,x,"a ""x"""', reason: '"x" is not a whole number' };
  expect(marked(line)).toEqual(['x']);
  expect(shown(line)).toBe(line.raw);
  const inside = { ...base, raw: 'max,axe,x', reason: '"x" is not a whole number' };
  expect(partsOf(inside)[0]!.text).toBe('max,axe,');
  const fields = { ...base, field: 'amount', raw: '{"id":"5","amount":"7,00","note":null}', reason: 'not a valid decimal' };
  expect(marked(fields)).toEqual(['7,00']);
  expect(shown(fields)).toBe('id: 5  amount: 7,00  note: null');
});

test('what cannot be marked is shown as it is', () => {
  for (const raw of ['', '{"a":', '{"a":{"b":1}}', '<img src=x onerror=alert(1)>', '{']) expect(shown({ ...base, raw, reason: '"zz" is wrong' })).toBe(raw);
  expect(shown({ ...base, raw: 'a', reason: '"\\q" breaks' })).toBe('a');
  expect(shown({ ...base, rawBytes: '/w==' })).toBe('base64 /w==');
});

test('a place is the same after it was an address', () => {
  for (const place of [{}, { flow: 'f', node: 'n', code: 'c', field: '' }, { run: 'r', text: 'a&b=c', state: 'held' }, { flow: 'f', field: '<b>' }]) {
    expect(placeIn(addressOf(place).replace('/rejects', ''))).toEqual(place);
  }
  expect(isGroup({ flow: 'f', node: 'n', code: 'c', field: '' })).toBe(true);
  expect(isGroup({ flow: 'f', node: 'n', code: 'c' })).toBe(false);
});

import { expect, test } from 'vitest';
import type { Position } from '../model/document';
import { between, movers } from './glide';

const at = (places: Record<string, [number, number]>) => new Map<string, Position>(Object.entries(places).map(([id, [x, y]]) => [id, { x, y }]));

test('only nodes glide that are there before and after, and whose place is another', () => {
  expect([...movers(at({ a: [0, 0], b: [5, 5], gone: [1, 1] }), at({ a: [10, 0], b: [5, 5], fresh: [2, 2] })).keys()]).toEqual(['a']);
});

test('a glide begins and ends at the two places, and never goes back', () => {
  const from = at({ a: [0, 100] });
  const to = at({ a: [100, 0] });
  const xs = [0, 0.25, 0.5, 0.75, 1, 1.5].map((time) => between(from, to, time).get('a')!);
  expect([xs[0], xs[4], xs[5]]).toEqual([{ x: 0, y: 100 }, { x: 100, y: 0 }, { x: 100, y: 0 }]);
  for (let i = 1; i < 5; i++) expect(xs[i]!.x).toBeGreaterThan(xs[i - 1]!.x);
});

test('a great many nodes jump', () => {
  const many = new Map(Array.from({ length: 401 }, (_, i) => [`n${i}`, { x: i, y: 0 }] as const));
  const moved = new Map([...many].map(([id, p]) => [id, { ...p, y: 9 }] as const));
  expect(movers(many, moved).size).toBe(0);
});

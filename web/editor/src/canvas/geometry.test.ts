import { expect, test } from 'vitest';
import { panTo } from './geometry';

const seen = { width: 600, height: 400 };
const card = (x: number, y: number) => ({ x, y, width: 220, height: 76 });

test.each([
  ['in sight', card(100, 100), { x: 0, y: 0 }],
  ['beyond the right border', card(500, 100), { x: -144, y: 0 }],
  ['beyond the left and the top', card(-10, -300), { x: 34, y: 324 }],
  ['below', card(100, 380), { x: 0, y: -80 }],
])('a card that is %s', (_, box, by) => {
  expect(panTo(box, seen)).toEqual(by);
});

test('a card that does not fit shows its beginning, and a narrow gap is shared', () => {
  expect(panTo(card(50, 10), { width: 100, height: 90 })).toEqual({ x: -50, y: -3 });
});

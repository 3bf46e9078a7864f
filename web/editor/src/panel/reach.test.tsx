// @vitest-environment jsdom
import { act, renderHook } from '@testing-library/react';
import { expect, test, vi } from 'vitest';

vi.mock('../shell/editor', () => ({ useEditor: (f: (s: { offline: boolean }) => unknown) => f({ offline: false }), useServices: () => ({}) }));

import { ApiError } from '../api/client';
import { since } from '../form/widget/table';
import { useDiscovered } from './reach';

interface Question { fresh: boolean; signal: AbortSignal; answer(items: string[]): Promise<void>; fail(error: unknown): Promise<void> }

function discovered(key: string) {
  const asked: Question[] = [];
  const ask = (fresh: boolean, signal: AbortSignal) => new Promise<{ items: string[]; at: string }>((resolve, reject) => {
    asked.push({ fresh, signal,
      answer: (items) => act(async () => resolve({ items, at: '2026-11-28T08:00:00Z' })),
      fail: (error) => act(async () => reject(error)) });
  });
  const hook = renderHook(({ key }) => useDiscovered(key, 400, ask), { initialProps: { key } });
  const wait = (ms: number) => act(async () => void (await vi.advanceTimersByTimeAsync(ms)));
  return { asked, wait, hook, now: () => hook.result.current };
}

test('a name is asked for when it stands still, and the answer to an old one counts no more', async () => {
  vi.useFakeTimers();
  const d = discovered('or');
  await d.wait(300);
  d.hook.rerender({ key: 'orders' });
  await d.wait(399);
  expect(d.asked).toHaveLength(0);
  await d.wait(1);
  expect(d.asked).toHaveLength(1);
  d.hook.rerender({ key: 'orders2' });
  expect(d.asked[0]!.signal.aborted).toBe(true);
  await d.asked[0]!.answer(['old']);
  expect(d.now()).toMatchObject({ items: [], loading: true });
  await d.wait(400);
  await d.asked[1]!.answer(['id', 'total']);
  expect(d.now()).toMatchObject({ items: ['id', 'total'], at: '2026-11-28T08:00:00Z', loading: false });
});

test('refresh asks the database itself and shows the old list meanwhile; stop waits no more', async () => {
  vi.useFakeTimers();
  const d = discovered('orders');
  await d.wait(400);
  await d.asked[0]!.answer(['id']);
  act(() => d.now().refresh());
  await d.wait(0);
  expect(d.asked.map((q) => q.fresh)).toEqual([false, true]);
  expect(d.now()).toMatchObject({ items: ['id'], loading: true });
  act(() => d.now().stop());
  expect(d.asked[1]!.signal.aborted).toBe(true);
  expect(d.now()).toMatchObject({ items: ['id'], loading: false });
  await d.asked[1]!.answer(['late']);
  expect(d.now().items).toEqual(['id']);
});

test('a reason is told with its code; what is stopped before the first answer says so', async () => {
  vi.useFakeTimers();
  const d = discovered('orders');
  await d.wait(400);
  await d.asked[0]!.fail(new ApiError(400, 'database.no_table', 'warehouse has no table orders'));
  expect(d.now()).toMatchObject({ items: [], code: 'database.no_table', loading: false });
  expect(d.now().reason).toContain('no table orders');
  d.hook.rerender({ key: 'others' });
  act(() => d.now().stop());
  await d.wait(400);
  expect(d.now()).toMatchObject({ reason: 'Stopped.', loading: false });
  expect(d.asked).toHaveLength(1);
});

test('ages are whole minutes', () => {
  const at = '2026-11-28T08:00:00Z';
  expect([0, 59, 60, 179].map((s) => since(at, Date.parse(at) + s * 1000))).toEqual(['just now', 'just now', '1 minute ago', '2 minutes ago']);
});

import { expect, test } from 'vitest';
import { ApiError } from '../api/client';
import type { Preview } from '../api/types';
import { emptyDocument } from '../model/document';
import { PreviewLoader } from './preview';
import { bannerOf } from './PreviewPanel';
import { changesOf } from './schemaDifference';

const preview = (node: string, over: Partial<Preview> = {}): Preview => ({ node, inputs: [], outputs: [], source: node, read: 1, complete: true, sample: { mode: 'first' }, scanned: 2, took: 1e6, at: '2026-01-31T10:42:07Z', cached: false, ...over });

/** setup makes a loader whose clock and server are in the test's hands. */
function setup() {
  const timers: { f: () => void; ms: number; cancelled: boolean }[] = [];
  const asked: { node: string; signal: AbortSignal; answer(p: Preview): Promise<void>; fail(e: unknown): Promise<void> }[] = [];
  const settled = () => new Promise<void>((done) => queueMicrotask(() => queueMicrotask(done)));
  const loader = new PreviewLoader(
    ({ node }, signal) => new Promise((resolve, reject) => asked.push({
      node, signal,
      answer: (p) => (resolve(p), settled()),
      fail: (e) => (reject(e as Error), settled()),
    })),
    {
      later: (f, ms) => {
        const timer = { f, ms, cancelled: false };
        timers.push(timer);
        return timer;
      },
      cancel: (timer: never) => void ((timer as { cancelled: boolean }).cancelled = true),
    },
  );
  const tick = () => {
    for (const timer of timers.splice(0)) if (!timer.cancelled) timer.f();
  };
  return { loader, timers, asked, tick };
}

test('a change is asked about when the document is quiet: one question for a burst', async () => {
  const { loader, timers, asked, tick } = setup();
  const doc = emptyDocument();
  loader.want(doc, 'a');
  tick();
  await asked[0]!.answer(preview('a'));
  loader.want({ ...doc, name: '1' }, 'a');
  loader.want({ ...doc, name: '2' }, 'a');
  expect(timers.filter((t) => !t.cancelled).map((t) => t.ms)).toEqual([250]);
  tick();
  expect(asked).toHaveLength(2);
});

test('an answer that comes late is dropped and its question aborted', async () => {
  const { loader, asked, tick } = setup();
  loader.want(emptyDocument(), 'a');
  tick();
  loader.want(emptyDocument(), 'b');
  tick();
  expect(asked[0]!.signal.aborted).toBe(true);
  await asked[1]!.answer(preview('b'));
  await asked[0]!.answer(preview('a', { read: 99 }));
  expect(loader.state.shown?.node).toBe('b');
});

test('the last good preview stays while the flow is broken, and says that it is old', async () => {
  const { loader, asked, tick } = setup();
  loader.want(emptyDocument(), 'a');
  tick();
  await asked[0]!.answer(preview('a'));
  loader.want(emptyDocument('broken'), 'a');
  expect(loader.state).toMatchObject({ loading: true, old: true, shown: { node: 'a' } });
  tick();
  await asked[1]!.answer(preview('a', { problems: [{ code: 'expr.syntax', message: 'no' }] }));
  expect(loader.state).toMatchObject({ loading: false, old: true, shown: { node: 'a' }, problems: [{ code: 'expr.syntax' }] });
});

test('warnings do not hide the records', async () => {
  const { loader, asked, tick } = setup();
  loader.want(emptyDocument(), 'a');
  tick();
  await asked[0]!.answer(preview('a', { problems: [{ code: 'w', severity: 'warning', message: 'careful' }] }));
  expect(loader.state).toMatchObject({ old: false, shown: { node: 'a' }, problems: [{ code: 'w' }] });
});

test('an error of the server is a sentence', async () => {
  const { loader, asked, tick } = setup();
  loader.want(emptyDocument(), 'a');
  tick();
  await asked[0]!.fail(new ApiError(0, 'network', 'the server does not answer', 'wait'));
  expect(loader.state.problems).toEqual([{ code: 'network', message: 'the server does not answer', suggestion: 'wait' }]);
});

test('coming back to a node shows what was there', async () => {
  const { loader, asked, tick } = setup();
  const doc = emptyDocument();
  loader.want(doc, 'a');
  tick();
  await asked[0]!.answer(preview('a'));
  loader.want(doc, 'b');
  loader.want(doc, 'a');
  expect(loader.state).toMatchObject({ node: 'a', old: true, shown: { node: 'a' } });
  loader.want(doc, null);
  expect(loader.state).toMatchObject({ node: null, shown: null, loading: false });
});

test('the banner says what one sees', () => {
  const doc = { ...emptyDocument(), nodes: [{ id: 'a', type: 'x', version: 1, name: 'Orders' }] };
  const at = new Date('2026-01-31T10:42:07Z').toLocaleTimeString([], { hour12: false });
  expect(bannerOf(preview('a', { read: 1000, complete: false, took: 34e6, cached: true }), doc)).toBe(`first 1,000 records of Orders · read ${at} · 34 ms · cached`);
  const cursor = { node: 'a', column: 'updated_at', value: '2026-01-02', updatedAt: '', updatedBy: '' };
  expect(bannerOf(preview('a', { read: 1000, complete: false, took: 34e6, cursors: [cursor] }), doc)).toBe(`first 1,000 records of Orders · after updated_at 2026-01-02, as the next run · read ${at} · 34 ms`);
  expect(bannerOf(preview('a', { read: 20, complete: false, sample: { mode: 'random', seed: 2 }, scanned: 5000 }), doc)).toBe(`20 of 5,000 records of Orders, at random · read ${at} · 1 ms`);
  expect(bannerOf(preview('a', { read: 2, complete: false, sample: { mode: 'where', where: 'id > 9' }, scanned: 4096 }), doc)).toBe(`first 2 records of Orders where id > 9 · 4,096 searched · read ${at} · 1 ms`);
  expect(bannerOf(preview('a', { read: 2, sample: { mode: 'where', where: 'id > 9' }, narrowed: true }), doc)).toBe(`all 2 records of Orders where id > 9 · found by its database · read ${at} · 1 ms`);
  expect(bannerOf(preview('gone', { read: 3 }), doc)).toBe(`all 3 records of gone · read ${at} · 1 ms`);
});

test('fields that are added, removed or of another type are told', () => {
  const f = (name: string, type = 'text') => ({ name, type });
  const { added, removed, was } = changesOf([[f('a'), f('b')], [f('c')]], [f('a', 'int64'), f('c'), f('d')]);
  expect([...added]).toEqual([['a', 'changed'], ['d', 'added']]);
  expect([...removed]).toEqual([['b', 'removed']]);
  expect(was.get('a')).toBe('text');
  expect(changesOf([], [f('a')]).added.size).toBe(0);
});

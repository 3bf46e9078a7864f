import { expect, test } from 'vitest';
import type { NodeStatus, Run } from '../api/types';
import { clock, count, duration } from './number';
import { LiveStore } from './store';

class FakeText {
  writes = 0;
  private value = '';
  get data() { return this.value; }
  set data(value: string) { this.value = value; this.writes++; }
}

function setup() {
  const time = { now: 0, frames: [] as (() => void)[] };
  const live = new LiveStore({ now: () => time.now, frame: (f) => time.frames.push(f), cancel: () => {} });
  const flush = () => time.frames.splice(0).forEach((f) => f());
  const bind = (node: string, kind: 'node' | 'rate' = 'node') => {
    const text = new FakeText();
    const off = live.bind({ kind, node }, text as unknown as Text);
    return { text, off };
  };
  return { live, time, flush, bind };
}

const run = (nodes: NodeStatus[] = []): Run => ({ id: 'r', flowName: 'f', trigger: 'manual', state: 'running', attempt: 1, createdAt: '', createdBy: '', read: 0, written: 0, rejected: 0, nodes });
const at = (node: string, out: number, state: NodeStatus['state'] = 'running'): NodeStatus => ({ node, state, out: { out } });

test('counts are written to dirty text nodes only, once a frame, and React hears nothing', () => {
  const { live, flush, bind } = setup();
  const nodes = Array.from({ length: 1000 }, (_, i) => at(`n${i}`, 0));
  live.snapshot(run(nodes), []);
  const seen = bind('n1');
  const still = bind('n2');
  flush();
  let renders = 0;
  live.onAny(() => renders++);
  live.onState('n1', () => renders++);
  const before = [seen.text.writes, still.text.writes];
  for (let i = 1; i <= 10; i++) {
    live.delta(undefined, [at('n1', i * 1000), at('n999', i)], []);
    live.delta(undefined, [at('n1', i * 1000 + 500)], []);
    flush();
  }
  expect(renders).toBe(0);
  expect(seen.text.writes - before[0]!).toBe(10);
  expect(still.text.writes - before[1]!).toBe(0);
  expect(seen.text.data).toBe('11 k rec');
  seen.off();
  live.delta(undefined, [at('n1', 99)], []);
  flush();
  expect(seen.text.data).toBe('11 k rec');
});

test('React hears of a state, a reason and the first reject', () => {
  const { live } = setup();
  live.snapshot(run([at('a', 1)]), []);
  let renders = 0;
  live.onState('a', () => renders++);
  live.delta(undefined, [{ ...at('a', 2), rejected: 1 }], []);
  live.delta(undefined, [{ ...at('a', 3), rejected: 2 }], []);
  live.delta(undefined, [{ ...at('a', 3, 'failed'), reason: 'because' }], []);
  expect(renders).toBe(2);
});

test('the rate is the average of 3 seconds, written twice a second, and 0/s after silence', () => {
  const { live, time, flush, bind } = setup();
  live.snapshot(run([at('a', 0)]), []);
  const { text } = bind('a', 'rate');
  const writes: number[] = [];
  for (time.now = 100; time.now <= 5000; time.now += 100) {
    live.delta(undefined, [at('a', time.now * 34)], []);
    flush();
    writes.push(text.writes);
  }
  expect(text.data).toBe(' · 34 k/s');
  expect(text.writes).toBeLessThanOrEqual(11);
  time.now += 3100;
  live.tick();
  flush();
  expect(text.data).toBe(' · 0/s');
  live.delta(undefined, [at('a', 200_000, 'done')], []);
  flush();
  expect(text.data).toBe('');
});

test('an edge shows what left, else what arrived where no other edge does', () => {
  const { live, flush } = setup();
  const [text, one] = [new FakeText(), new FakeText()];
  live.bind({ kind: 'edge', node: 'a', port: 'out', to: 'b', toPort: 'in', alone: true }, text as unknown as Text);
  live.bind({ kind: 'edge', node: 'a', port: 'out', to: 'b', toPort: 'in', alone: false }, one as unknown as Text);
  live.snapshot(run([{ node: 'b', state: 'running', in: { in: 7 } }]), []);
  flush();
  expect([text.data, one.data]).toEqual(['7', '']);
  live.delta(undefined, [at('a', 1200)], []);
  flush();
  expect([text.data, one.data]).toEqual(['1.2 k', '1.2 k']);
});

test('a log line is taken once, and another run begins empty', () => {
  const { live, flush, bind } = setup();
  const line = (seq: number) => ({ seq, at: '', severity: 'info' as const, message: String(seq) });
  live.snapshot(run([at('a', 5)]), [line(1), line(2)]);
  live.delta(undefined, [], [line(2), line(3)]);
  expect(live.log.map((l) => l.seq)).toEqual([1, 2, 3]);
  const { text } = bind('a');
  live.reset();
  flush();
  expect(text.data).toBe('');
  expect(live.log).toEqual([]);
});

test.each([[0, '0'], [999, '999'], [1000, '1.0 k'], [1234, '1.2 k'], [9949, '9.9 k'], [9960, '10 k'], [999_400, '999 k'], [999_600, '1.0 M'], [1_234_567, '1.2 M'], [25_000_000, '25 M'], [4e9, '4.0 G'], [NaN, '—']])('%d is written %s', (value, text) => {
  expect(count(value)).toBe(text);
});

test('durations', () => {
  expect([42, 800, 9400, 42_000, 192_000, 3_720_000].map(duration)).toEqual(['42 ms', '0.8 s', '9.4 s', '42 s', '3 m 12 s', '1 h 2 m']);
  expect([42_000, 3_661_000].map(clock)).toEqual(['00:42', '1:01:01']);
});

test('progress is shown of a running source that knows it, and of nothing else', () => {
  const { live, flush } = setup();
  const bar = new FakeText();
  live.snapshot(run([at('a', 1)]), []);
  live.bind({ kind: 'progress', node: 'a' }, bar);
  expect(bar.data).toBe('');
  live.delta(undefined, [{ ...at('a', 2), progress: 0.453 }], []);
  flush();
  expect([bar.data, live.spoken('a')]).toEqual(['45.3%', '2 records, 45 % read']);
  live.delta(undefined, [{ ...at('a', 3, 'done'), progress: 1 }], []);
  flush();
  expect([bar.data, live.spoken('a')]).toEqual(['', '3 records']);
});

test('the queue behind a running source is shown, and React hears of a bottleneck once', () => {
  const { live, flush } = setup();
  const bar = new FakeText();
  live.snapshot(run([at('a', 1)]), []);
  live.bind({ kind: 'queue', node: 'a' }, bar);
  const version = live.version;
  live.delta(undefined, [{ ...at('a', 2), activity: { queue: 0.75, blockedMS: 40 } }], []);
  flush();
  expect([bar.data, live.version - version]).toEqual(['75', 0]);
  live.delta(undefined, [{ ...at('a', 3), activity: { queue: 1, bottleneck: true, busyMS: 1200, blockedMS: 300 } }], []);
  flush();
  expect([bar.data, live.spoken('a'), live.version - version]).toEqual(['100', '3 records, the others wait for it, busy 1.2 s, held back 0.3 s', 1]);
  live.delta(undefined, [{ ...at('a', 4), activity: { bottleneck: true, busyMS: 1300 } }], []);
  flush();
  expect([bar.data, live.version - version]).toEqual(['', 1]);
});

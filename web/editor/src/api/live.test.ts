import { expect, test } from 'vitest';
import { watchRun, type Socket } from './live';

class FakeSocket implements Socket {
  onopen = null;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  sent: string[] = [];
  closed = false;
  send(text: string) { this.sent.push(text); }
  close() { this.closed = true; }
  say(message: unknown) { this.onmessage?.({ data: JSON.stringify(message) }); }
  snapshot(seq: number) { this.say({ kind: 'snapshot', seq, run: { id: 'r' }, log: [] }); }
  delta(seq: number) { this.say({ kind: 'delta', seq }); }
}

function setup() {
  const sockets: FakeSocket[] = [];
  const timers: { f: () => void; ms: number }[] = [];
  const page = { hidden: false, listeners: new Set<() => void>() };
  const heard: string[] = [];
  const handle = watchRun('r 1', {
    snapshot: (m) => heard.push(`snapshot ${m.seq}`),
    delta: (m) => heard.push(`delta ${m.seq}`),
    connected: (c) => heard.push(c ? 'on' : 'off'),
  }, {
    connect: (address) => {
      expect(address).toBe('/api/v1/runs/r%201/events');
      sockets.push(new FakeSocket());
      return sockets.at(-1)!;
    },
    later: (f, ms) => timers.push({ f, ms }),
    cancel: (n) => void (timers[n - 1] = { f: () => {}, ms: 0 }),
    hidden: () => page.hidden,
    onVisibility: (f) => { page.listeners.add(f); return () => page.listeners.delete(f); },
    random: () => 1,
  });
  const hide = (hidden: boolean) => { page.hidden = hidden; page.listeners.forEach((f) => f()); };
  return { sockets, timers, heard, handle, hide, page };
}

test('deltas follow the snapshot; a gap asks for a snapshot and nothing is shown before it', () => {
  const { sockets: [s], heard } = setup();
  s!.snapshot(5);
  s!.delta(6);
  s!.delta(8);
  s!.delta(9);
  expect(s!.sent).toEqual(['{"kind":"snapshot"}']);
  s!.snapshot(9);
  s!.delta(9);
  s!.delta(10);
  expect(heard).toEqual(['on', 'snapshot 5', 'delta 6', 'on', 'snapshot 9', 'delta 10']);
});

test('what is not a message is left alone', () => {
  const { sockets: [s], heard } = setup();
  s!.onmessage?.({ data: 'not JSON' });
  s!.onmessage?.({ data: new ArrayBuffer(1) });
  s!.say({ kind: 'other' });
  s!.say(null);
  s!.delta(1);
  expect(heard).toEqual([]);
});

test('a lost connection comes back with growing pauses, and the pauses end with a snapshot', () => {
  const { sockets, timers, heard } = setup();
  sockets[0]!.onclose?.({ code: 1006 });
  timers[0]!.f();
  sockets[1]!.onclose?.({ code: 1013 });
  timers[1]!.f();
  sockets[2]!.snapshot(1);
  sockets[2]!.onclose?.({ code: 1006 });
  expect(timers.map((t) => t.ms)).toEqual([250, 500, 250]);
  expect(heard).toEqual(['off', 'off', 'on', 'snapshot 1', 'off']);
});

test('the end of the run ends it', () => {
  const { sockets, timers, heard, page } = setup();
  sockets[0]!.snapshot(1);
  sockets[0]!.onclose?.({ code: 1000 });
  expect(timers).toEqual([]);
  expect(page.listeners.size).toBe(0);
  expect(heard).toEqual(['on', 'snapshot 1']);
});

test('a hidden page has no connection and gets a new one when it is seen again', () => {
  const { sockets, hide, heard } = setup();
  sockets[0]!.snapshot(1);
  hide(true);
  expect(sockets[0]!.closed).toBe(true);
  sockets[0]!.delta(2);
  hide(false);
  sockets[1]!.snapshot(7);
  expect(heard).toEqual(['on', 'snapshot 1', 'on', 'snapshot 7']);
});

test('stop while waiting for the next try', () => {
  const { sockets, timers, handle } = setup();
  sockets[0]!.onclose?.({ code: 1006 });
  handle.stop();
  timers[0]!.f();
  expect(sockets).toHaveLength(1);
});

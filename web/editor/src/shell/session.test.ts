import { expect, test } from 'vitest';
import { ApiError, Client } from '../api/client';
import type { Run } from '../api/types';
import type { Environment, Socket } from '../api/live';
import { catalogue, flow } from '../model/fixture';
import { LiveStore } from '../live/store';
import { Editor } from '../model/editor';
import { Session } from './session';

interface Call { method: string; path: string; body: unknown; headers: Record<string, string>; answer: (status: number, body: unknown) => void; fail: () => void; signal?: AbortSignal | undefined }

function setup() {
  const calls: Call[] = [];
  let waiting: (() => void)[] = [];
  const fetcher = ((address: string, init: RequestInit) => new Promise((resolve, reject) => {
    calls.push({
      method: init.method!, path: address.replace('/api/v1', ''), body: init.body === undefined ? undefined : JSON.parse(init.body as string), headers: init.headers as Record<string, string>, signal: init.signal ?? undefined,
      answer: (status, body) => resolve(new Response(status === 204 ? null : JSON.stringify(body), { status, headers: { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' } })),
      fail: () => reject(new TypeError('no network')),
    });
    const now = waiting;
    waiting = [];
    now.forEach((f) => f());
  })) as unknown as typeof fetch;
  const timers = new Map<number, { f: () => void; ms: number }>();
  let n = 0;
  const sockets: Socket[] = [];
  const env: Environment = {
    connect: () => {
      sockets.push({ onopen: null, onmessage: null, onclose: null, send() {}, close() {} });
      return sockets.at(-1)!;
    },
    later: (f, ms) => (timers.set(++n, { f, ms }), n), cancel: (t) => void timers.delete(t),
    hidden: () => false, onVisibility: () => () => {}, random: () => 0,
  };
  const editor = new Editor(flow(), catalogue, { etag: 'e0' });
  const live = new LiveStore({ now: () => 0, frame: () => 0, cancel: () => {} });
  const session = new Session(editor, new Client('/api/v1', fetcher), live, 'f1', env, env, () => 'key-1');
  session.start();
  /** fire runs the timer of that length. */
  const fire = (ms: number) => {
    const [id, timer] = [...timers].find(([, t]) => t.ms === ms)!;
    timers.delete(id);
    timer.f();
  };
  /** call waits for the next request. */
  let taken = 0;
  const call = async (): Promise<Call> => {
    while (calls.length <= taken) await new Promise<void>((f) => waiting.push(f));
    return calls[taken++]!;
  };
  const until = (done: () => boolean) => new Promise<void>((resolve) => {
    if (done()) return resolve();
    const off = editor.subscribe(() => done() && (off(), resolve()));
  });
  return { editor, session, live, timers, sockets, fire, call, calls, until };
}

const running: Run = { id: 'r1', flowName: 'f', trigger: 'manual', state: 'running', attempt: 1, createdAt: '', createdBy: '', read: 0, written: 0, rejected: 0 };

const rename = (editor: Editor, name: string) => editor.change('Rename', (doc) => void (doc.name = name));

test('an edit is saved after a second, with the etag, and edits meanwhile are saved after it', async () => {
  const { editor, fire, call, until, timers } = setup();
  rename(editor, 'A');
  expect(editor.state.saved.kind).toBe('changed');
  fire(1000);
  const save = await call();
  expect(save).toMatchObject({ method: 'PUT', path: '/flows/f1/draft', body: { document: { name: 'A' } }, headers: { 'If-Match': '"e0"' } });
  rename(editor, 'B');
  save.answer(200, { etag: 'e1', updatedAt: 't', updatedBy: 'me' });
  await until(() => editor.state.etag === 'e1');
  expect(editor.state.saved.kind).toBe('changed');
  expect([...timers.values()].map((t) => t.ms)).toContain(1000);
  fire(1000);
  const second = await call();
  expect(second.headers['If-Match']).toBe('"e1"');
  second.answer(200, { etag: 'e2', updatedAt: 't', updatedBy: 'me' });
  await until(() => editor.state.saved.kind === 'saved');
});

test('a conflict is shown, nothing is overwritten, and either version can be kept', async () => {
  const { editor, session, fire, call, until, timers } = setup();
  rename(editor, 'Mine');
  fire(1000);
  (await call()).answer(409, { code: 'draft.conflict', detail: 'somebody else saved', status: 409 });
  const theirs = { id: 'f1', name: 'Theirs', etag: 'e9', updatedAt: 't', updatedBy: 'Ann', document: { ...flow(), name: 'Theirs' } };
  (await call()).answer(200, theirs);
  await until(() => editor.state.saved.kind === 'conflict');
  rename(editor, 'Mine 2');
  expect([...timers.values()].map((t) => t.ms)).not.toContain(1000);
  expect(editor.state.saved.kind).toBe('conflict');
  void session.keepMine(theirs);
  const save = await call();
  expect(save).toMatchObject({ method: 'PUT', body: { document: { name: 'Mine 2' } }, headers: { 'If-Match': '"e9"' } });
  save.answer(409, { code: 'draft.conflict', detail: 'again', status: 409 });
  (await call()).answer(200, { ...theirs, etag: 'e10' });
  await until(() => editor.state.saved.kind === 'conflict');
  session.takeTheirs({ ...theirs, etag: 'e10' });
  expect(editor.state).toMatchObject({ document: { name: 'Theirs' }, etag: 'e10', saved: { kind: 'saved' } });
  expect(session.unsaved).toBe(false);
  editor.undo();
  expect(editor.state.document.name).toBe('Mine 2');
});

test('while the server does not answer it is asked with growing pauses, and then everything is caught up', async () => {
  const { editor, session, fire, call, until, timers } = setup();
  rename(editor, 'A');
  fire(1000);
  (await call()).fail();
  await until(() => editor.state.saved.kind === 'failed');
  expect(editor.state).toMatchObject({ offline: true, saved: { reason: expect.stringContaining('the server does not answer') as string } });
  for (const pause of [500, 1000, 2000]) { // random() is 0: half of the pause
    fire(pause);
    const again = await call();
    expect(again.method).toBe('PUT'); // what is asked is what has to be saved
    again.fail();
    await until(() => [...timers.values()].some((t) => t.ms === pause * 2));
  }
  rename(editor, 'B'); // somebody goes on meanwhile
  expect(session.unsaved).toBe(true);
  session.reconnect();
  const save = await call();
  expect(save.body).toMatchObject({ document: { name: 'B' } });
  save.answer(200, { etag: 'e1', updatedAt: 't', updatedBy: '' });
  await until(() => editor.state.saved.kind === 'saved');
  expect(editor.state.offline).toBe(false);
  expect([...timers.values()].filter((t) => t.ms > 300)).toEqual([]); // nobody asks any more
  fire(0);
  expect((await call()).path).toBe('/check');
});

test('an answer to anything ends the pause, and saves what could not be saved', async () => {
  const { editor, fire, call, until } = setup();
  rename(editor, 'A');
  fire(1000);
  (await call()).fail();
  await until(() => editor.state.offline);
  fire(300);
  (await call()).answer(200, { problems: [], ports: [] });
  await until(() => !editor.state.offline);
  await until(() => editor.state.check.version === 1);
  fire(0);
  (await call()).answer(200, { etag: 'e1', updatedAt: 't', updatedBy: '' });
  await until(() => editor.state.saved.kind === 'saved');
});

test('a lost connection of a run is told apart from a server that is gone', async () => {
  const { editor, session, call, until, sockets } = setup();
  session.watch(running);
  sockets[0]!.onclose!({ code: 1006 });
  const first = await call();
  expect(first).toMatchObject({ method: 'GET', path: '/flows/f1' });
  first.answer(200, {});
  await new Promise((done) => setTimeout(done)); // the answer has been heard
  expect(editor.state.offline).toBe(false);
  sockets[0]!.onclose!({ code: 1006 });
  session.reconnect();
  (await call()).fail();
  await until(() => editor.state.offline);
  session.reconnect();
  (await call()).answer(200, {});
  await until(() => !editor.state.offline);
  expect(sockets.length).toBe(2); // connected at once, not after the pause
});

test('mine can be kept as a copy, and what replaced theirs can be taken back', async () => {
  const { editor, session, fire, call, until } = setup();
  rename(editor, 'Mine');
  fire(1000);
  (await call()).answer(409, { code: 'draft.conflict', detail: 'somebody else saved', status: 409 });
  const theirs = { id: 'f1', name: 'Theirs', etag: 'e9', updatedAt: 't', updatedBy: 'Ann', document: { ...flow(), name: 'Theirs' } };
  (await call()).answer(200, theirs);
  await until(() => editor.state.saved.kind === 'conflict');
  const copied = session.copyMine();
  const create = await call();
  expect(create).toMatchObject({ method: 'POST', path: '/flows', body: { document: { name: 'Mine (copy)', nodes: flow().nodes } } });
  create.answer(201, { id: 'f2' });
  expect([await copied, session.unsaved]).toEqual(['f2', false]);
  void session.keepMine(theirs);
  (await call()).answer(200, { etag: 'e10', updatedAt: 't', updatedBy: '' });
  await until(() => editor.state.etag === 'e10');
  expect(editor.state.document.name).toBe('Mine');
  editor.undo();
  expect(editor.state.document.name).toBe('Theirs');
});

test('the check follows the newest document; an older answer is dropped', async () => {
  const { editor, fire, call, until } = setup();
  fire(0);
  const first = await call();
  rename(editor, 'A');
  fire(300);
  const second = await call();
  expect(first.signal?.aborted).toBe(true);
  second.answer(200, { problems: [{ code: 'new', message: 'm' }], ports: [{ node: 'paid', port: 'out', schema: [{ name: 'a', type: 'text' }] }] });
  await until(() => editor.state.check.version === 1);
  first.answer(200, { problems: [{ code: 'old', message: 'm' }], ports: null });
  await Promise.resolve();
  expect(editor.state.check.problems.map((p) => p.code)).toEqual(['new']);
  expect(editor.schemaOf('paid', 'out')).toEqual([{ name: 'a', type: 'text' }]);
});

test('a check that fails on the server is asked for again, later each time; one that is refused is not', async () => {
  const { editor, fire, call, until, timers } = setup();
  fire(0);
  for (const pause of [2_000, 4_000]) {
    (await call()).answer(503, { code: 'lab.timeout', detail: 'there was no answer' });
    await until(() => [...timers.values()].some((t) => t.ms === pause) && editor.state.check.reason !== undefined);
    fire(pause);
  }
  (await call()).answer(200, { problems: [], ports: [] });
  await until(() => editor.state.check.version === 1);
  expect(editor.state.check.reason).toBeUndefined();
  rename(editor, 'A');
  fire(300);
  (await call()).answer(400, { code: 'x', detail: 'that is no flow' });
  await until(() => editor.state.check.reason === 'that is no flow');
  expect([...timers.values()].map((t) => t.ms)).not.toContain(2_000);
});

test('a run saves first, and a lost answer asks again with the same key', async () => {
  const { editor, session, call, until } = setup();
  rename(editor, 'A');
  void session.run('net');
  const save = await call();
  expect(save.method).toBe('PUT');
  save.answer(200, { etag: 'e1', updatedAt: 't', updatedBy: '' });
  const lost = await call();
  expect(lost).toMatchObject({ path: '/runs', body: { flow: 'f1', until: 'net' }, headers: { 'Idempotency-Key': 'key-1' } });
  lost.fail();
  const again = await call();
  expect(again.headers['Idempotency-Key']).toBe('key-1');
  again.answer(200, running);
  await until(() => editor.state.run !== null);
  expect(session.running).toBe(true);
});

test('a flow that cannot run shows its problems', async () => {
  const { editor, session, call, until } = setup();
  void session.run();
  (await call()).answer(422, { code: 'flow.problems', detail: 'the flow cannot run', status: 422, problems: [{ code: 'x', message: 'broken', path: { node: 'net' } }] });
  await until(() => editor.state.runError !== null);
  expect(editor.state).toMatchObject({ dock: { tab: 'problems' }, check: { problems: [{ code: 'x' }] }, runError: { message: 'the flow cannot run' } });
});

test('an error of something else than the server is a sentence too', async () => {
  const client = new Client('', (() => Promise.resolve(new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'Content-Type': 'text/html' } }))) as unknown as typeof fetch);
  const error = await client.flow('x').catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 502, detail: 'the server answered 502' });
});

import { expect, test, vi } from 'vitest';
import { ApiError } from '../api/client';
import { crumbsOf, folderOf, sortedEntries } from './FilePicker';
import { applyInspection, wrongNames } from './proposal';
import { numbered, UploadQueue, type Send } from './queue';
import { inFolder, nameFor, sendFile, sizeOf, taken } from './send';

/** fakeRequest stands for the browser's request; the test plays the server. */
function fakeRequest() {
  const xhr = {
    upload: {} as { onprogress?(e: object): void },
    headers: {} as Record<string, string>,
    opened: [] as string[],
    sent: undefined as unknown,
    status: 0,
    responseText: '',
    type: 'application/problem+json',
    onload: () => {}, onerror: () => {}, onabort: () => {},
    open: (...args: string[]) => void xhr.opened.push(...args),
    setRequestHeader: (name: string, value: string) => void (xhr.headers[name] = value),
    getResponseHeader: () => xhr.type,
    send: (body: unknown) => void (xhr.sent = body),
    abort: () => xhr.onabort(),
    answer(status: number, body: unknown) {
      xhr.status = status;
      xhr.responseText = typeof body === 'string' ? body : JSON.stringify(body);
      xhr.onload();
    },
  };
  return xhr;
}

function setup() {
  const xhr = fakeRequest();
  const progress = vi.fn();
  const file = new Blob(['a,b\n1,2\n']);
  return { xhr, progress, file, sending: sendFile(file, { address: '/api/v1/files?path=a.csv', progress, request: () => xhr as unknown as XMLHttpRequest }) };
}

test('a file is sent as it is, and its progress told', async () => {
  const { xhr, progress, file, sending } = setup();
  expect(xhr.opened).toEqual(['POST', '/api/v1/files?path=a.csv']);
  expect(xhr.headers['Content-Type']).toBe('application/octet-stream');
  expect(xhr.sent).toBe(file);
  xhr.upload.onprogress!({ loaded: 4, total: 8, lengthComputable: true });
  expect(progress).toHaveBeenCalledWith(4, 8);
  xhr.answer(201, { name: 'a.csv', path: 'a.csv', size: 8 });
  expect(await sending.done).toMatchObject({ path: 'a.csv' });
});

test.each([
  ['too large, said by the server', 413, { code: 'request.too_large', detail: 'the file is larger than the 5 MB that may be uploaded', suggestion: 'compress it' }, 'the file is larger than the 5 MB that may be uploaded; compress it'],
  ['too large, said by a proxy', 413, '<html>413</html>', 'the file is larger than the server takes by upload; put it into a data folder and choose it there'],
  ['something else of a proxy', 502, 'Bad Gateway', 'the server answered 502; try again, or look at the log of spark serve'],
])('%s: the error is a sentence', async (_, status, body, sentence) => {
  const { xhr, sending } = setup();
  if (typeof body === 'string') xhr.type = 'text/html';
  xhr.answer(status, body);
  await expect(sending.done).rejects.toThrow(sentence);
});

test('an upload can be stopped, and a cut connection is told', async () => {
  const first = setup();
  first.sending.stop();
  await expect(first.sending.done).rejects.toMatchObject({ code: 'stopped' });
  const second = setup();
  second.xhr.onerror();
  await expect(second.sending.done).rejects.toThrow('the upload was cut off; nothing was kept of the file; try again');
});

/** queueSetup sends nothing: the test settles each file. */
function queueSetup() {
  const calls: { path: string; replace: boolean; resolve(): Promise<void>; reject(e: unknown): Promise<void>; stop: () => void }[] = [];
  const settled = () => new Promise<void>((done) => setTimeout(done));
  const send: Send = (_, path, replace) => {
    let settle!: { resolve(v: never): void; reject(e: unknown): void };
    const done = new Promise<never>((resolve, reject) => (settle = { resolve, reject }));
    const stop = () => settle.reject(new ApiError(0, 'stopped', 'the upload was stopped'));
    calls.push({ path, replace, stop, resolve: () => (settle.resolve({ name: path, path } as never), settled()), reject: (e) => (settle.reject(e), settled()) });
    return { done, stop };
  };
  return { queue: new UploadQueue(send), calls };
}

const file = (name: string) => new File(['x'], name);

test('files are sent one after the other; a failed one does not hold up the next', async () => {
  const { queue, calls } = queueSetup();
  queue.add([file('a.csv'), file('b.csv')], 'in');
  expect(calls.map((c) => c.path)).toEqual(['in/a.csv']);
  await calls[0]!.reject(new ApiError(500, 'internal', 'the disk is full'));
  expect(calls.map((c) => c.path)).toEqual(['in/a.csv', 'in/b.csv']);
  await calls[1]!.resolve();
  expect(queue.uploads.map((u) => [u.state, u.reason])).toEqual([['failed', 'the disk is full'], ['done', '']]);
});

test('a name that is taken asks: replace it, or keep both', async () => {
  const { queue, calls } = queueSetup();
  queue.add([file('a.csv')], '');
  await calls[0]!.reject(new ApiError(409, 'file.exists', 'there is a file of this name already'));
  expect(queue.uploads[0]!.state).toBe('exists');
  queue.keepBoth(queue.uploads[0]!.id);
  expect(calls[1]).toMatchObject({ path: 'a-2.csv', replace: false });
  await calls[1]!.reject(new ApiError(409, 'file.exists', 'there is a file of this name already'));
  queue.again(queue.uploads[0]!.id, true);
  expect(calls[2]).toMatchObject({ path: 'a-2.csv', replace: true });
});

test('stopping ends what is sent and forgets what waits', async () => {
  const { queue, calls } = queueSetup();
  queue.add([file('a.csv'), file('b.csv')], '');
  queue.stopAll();
  await Promise.resolve();
  expect(calls).toHaveLength(1);
  expect(queue.uploads.map((u) => u.path)).toEqual(['a.csv']);
});

test('only a taken name is one', () => {
  expect(taken(new ApiError(409, 'file.exists', 'x'))).toBe(true);
  expect(taken(new ApiError(409, 'file.busy', 'x'))).toBe(false);
});

test('names become names of files', () => {
  expect(nameFor('C:\\data\\or*ders?.csv')).toBe('or_ders_.csv');
  expect(nameFor('../../etc/passwd')).toBe('passwd');
  expect(nameFor('.hidden')).toBe('hidden');
  expect(nameFor('\u0000')).toBe('upload');
  expect(inFolder('a/', 'b.csv')).toBe('a/b.csv');
  expect(numbered('in/orders.csv.gz')).toBe('in/orders-2.csv.gz');
  expect(numbered('orders-2.csv')).toBe('orders-3.csv');
  expect(numbered('orders')).toBe('orders-2');
});

test('sizes are for people', () => {
  expect([0, 999, 1500, 12_345_678, 5e9].map(sizeOf)).toEqual(['0 B', '999 B', '1.5 kB', '12 MB', '5.0 GB']);
});

test('the picker finds its way', () => {
  expect(folderOf('in/2026/*.csv')).toBe('in/2026');
  expect(folderOf('x.csv')).toBe('');
  expect(crumbsOf('a/b').map((c) => c.path)).toEqual(['', 'a', 'a/b']);
  expect(sortedEntries([{ name: 'a10', path: '' }, { name: 'a2', path: '' }, { name: 'z', path: '', folder: true }], '').map((e) => e.name)).toEqual(['z', 'a2', 'a10']);
});

test('a confirmed proposal is written whole, in the place of what was there', () => {
  const config: Record<string, unknown> = { path: 'old.csv', options: { delimiter: ';' }, fields: [{ name: 'gone', type: 'text' }], fileNameField: 'file' };
  const fields = [{ name: 'a', type: 'int64', format: '%d', zone: 'UTC' }, { name: 'd', type: 'date', format: '%d/%m/%Y', zone: 'UTC' }];
  applyInspection(config, 'new.csv', { format: 'csv', options: { header: true }, fields }, fields);
  expect(config).toEqual({ path: 'new.csv', format: 'csv', options: { header: true }, fields: [{ name: 'a', type: 'int64' }, { name: 'd', type: 'date', format: '%d/%m/%Y' }], fileNameField: 'file' });
  applyInspection(config, 'x.parquet', { format: 'parquet', fields: [] }, []);
  expect(config).toEqual({ path: 'x.parquet', format: 'parquet', fileNameField: 'file' });
});

test('names that cannot be used are told', () => {
  expect(wrongNames([{ name: 'a', type: 'text' }, { name: ' ', type: 'text' }])).toBe('Every field needs a name.');
  expect(wrongNames([{ name: 'a', type: 'text' }, { name: 'a', type: 'text' }])).toBe('Two fields are named "a".');
  expect(wrongNames([{ name: 'a', type: 'text' }])).toBeUndefined();
});

// Several uploads, one after the other: what waits, runs, is done, or failed and why.

import type { FileEntry } from '../api/types';
import { reasonOf } from '../shell/session';
import { inFolder, nameFor, sendFile, taken, type Sending } from './send';

export type UploadState = 'waiting' | 'sending' | 'done' | 'failed' | 'exists';

export interface Upload {
  id: number;
  file: File;
  path: string;
  state: UploadState;
  sent: number;
  reason: string;
  entry: FileEntry | null;
}

export type Send = (file: File, path: string, replace: boolean, progress: (sent: number) => void) => Sending;

export class UploadQueue {
  uploads: readonly Upload[] = [];
  private readonly listeners = new Set<() => void>();
  private sending: { id: number; stop(): void } | null = null;
  private next = 0;

  constructor(private readonly send: Send, private readonly onDone: (upload: Upload) => void = () => {}) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private put(id: number, part: Partial<Upload>): void {
    this.uploads = this.uploads.map((u) => (u.id === id ? { ...u, ...part } : u));
    for (const listener of this.listeners) listener();
  }

  add(files: readonly File[], folder: string): void {
    this.uploads = [...this.uploads, ...files.map((file): Upload => ({ id: ++this.next, file, path: inFolder(folder, nameFor(file.name)), state: 'waiting', sent: 0, reason: '', entry: null }))];
    this.put(-1, {});
    this.advance();
  }

  private advance(): void {
    const upload = this.sending ? undefined : this.uploads.find((u) => u.state === 'waiting');
    if (upload) void this.run(upload, false);
  }

  private async run(upload: Upload, replace: boolean): Promise<void> {
    this.put(upload.id, { state: 'sending', sent: 0, reason: '' });
    const sending = this.send(upload.file, upload.path, replace, (sent) => this.put(upload.id, { sent }));
    this.sending = { id: upload.id, stop: sending.stop };
    try {
      const entry = await sending.done;
      this.put(upload.id, { state: 'done', sent: upload.file.size, entry });
      this.onDone({ ...upload, state: 'done', entry });
    } catch (error) {
      this.put(upload.id, { state: taken(error) ? 'exists' : 'failed', reason: reasonOf(error) });
    }
    this.sending = null;
    this.advance();
  }

  /** replace sends a file again in the place of the one that has its name; retry sends one again that failed. */
  again(id: number, replace: boolean): void {
    const upload = this.uploads.find((u) => u.id === id);
    if (!upload) return;
    if (!this.sending) return void this.run(upload, replace);
    this.put(id, { reason: 'Another file is being sent. Try again when it is done.' });
  }

  /** keepBoth sends a file under a free name. */
  keepBoth(id: number): void {
    const upload = this.uploads.find((u) => u.id === id);
    if (!upload) return;
    this.put(id, { path: numbered(upload.path), state: 'waiting', reason: '' });
    this.advance();
  }

  stop(id: number): void {
    if (this.sending?.id === id) this.sending.stop();
    else this.put(id, { state: 'failed', reason: 'Not sent.' });
  }

  stopAll(): void {
    this.uploads = this.uploads.filter((u) => u.state !== 'waiting');
    this.sending?.stop();
  }
}

/** numbered changes orders.csv to orders-2.csv, and orders-2.csv to orders-3.csv; .gz stays with the name before it. */
export function numbered(path: string): string {
  const [, stem = path, extension = ''] = /^(.*?)((?:\.[^./]+)?(?:\.gz)?)$/i.exec(path) ?? [];
  const found = /^(.*)-(\d+)$/.exec(stem);
  return found ? `${found[1]}-${Number(found[2]) + 1}${extension}` : `${stem}-2${extension}`;
}

/** sendTo makes the Send of a client. */
export function sendTo(client: { fileAddress(path: string, replace?: boolean): string }): Send {
  return (file, path, replace, progress) => sendFile(file, { address: client.fileAddress(path, replace), progress });
}

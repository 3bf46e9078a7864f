// The WebSocket of a run: a snapshot, then numbered deltas. A gap asks for a snapshot; a lost connection comes back with
// growing pauses; while nobody looks at the page there is no connection.

import type { Delta, Snapshot } from './types';

export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Environment {
  connect(address: string): Socket;
  later(f: () => void, ms: number): number;
  cancel(timer: number): void;
  hidden(): boolean;
  onVisibility(f: () => void): () => void;
  random(): number;
}

export const browser: Environment = {
  connect: (address) => new WebSocket(new URL(address, location.href.replace(/^http/, 'ws'))) as unknown as Socket,
  later: (f, ms) => window.setTimeout(f, ms),
  cancel: (timer) => window.clearTimeout(timer),
  hidden: () => document.hidden,
  onVisibility: (f) => {
    document.addEventListener('visibilitychange', f);
    return () => document.removeEventListener('visibilitychange', f);
  },
  random: () => Math.random(),
};

export interface Watcher {
  snapshot(snapshot: Snapshot): void;
  delta(delta: Delta): void;
  /** connected says whether what is shown is up to date. */
  connected?(connected: boolean): void;
}

const firstPause = 250;
const longestPause = 10_000;

/** watchRun follows a run until it has ended or stop is called; again connects without waiting for the end of a pause. */
export function watchRun(run: string, watcher: Watcher, env: Environment = browser): { stop(): void; again(): void } {
  const address = `/api/v1/runs/${encodeURIComponent(run)}/events`;
  let socket: Socket | null = null;
  let timer: number | null = null;
  let seq: number | null = null; // of the last message taken; null until a snapshot came
  let failures = 0;
  let ended = false;

  const open = () => {
    timer = null;
    if (ended || socket || env.hidden()) return;
    const s = env.connect(address);
    socket = s;
    seq = null;
    s.onmessage = (event) => s === socket && receive(event.data);
    s.onclose = (event) => s === socket && closed(event.code);
  };

  const receive = (data: unknown) => {
    const message = parse(data);
    if (!message) return;
    if (message.kind === 'snapshot') {
      failures = 0;
      seq = message.seq;
      watcher.connected?.(true);
      watcher.snapshot(message);
      return;
    }
    if (seq === null || message.seq <= seq) return; // before the snapshot that was asked for
    if (message.seq !== seq + 1) {
      seq = null;
      socket?.send('{"kind":"snapshot"}');
      return;
    }
    seq = message.seq;
    watcher.delta(message);
  };

  const closed = (code: number) => {
    socket = null;
    if (code === 1000) {
      stop();
      return;
    }
    watcher.connected?.(false);
    if (ended || env.hidden()) return;
    const pause = Math.min(longestPause, firstPause * 2 ** failures++);
    timer = env.later(open, pause * (0.5 + env.random() / 2));
  };

  const drop = () => {
    if (timer !== null) env.cancel(timer);
    timer = null;
    const s = socket;
    socket = null;
    s?.close();
  };

  const offVisibility = env.onVisibility(() => {
    if (env.hidden()) drop();
    else if (timer === null) again();
  });

  const again = () => {
    if (ended || socket) return;
    if (timer !== null) env.cancel(timer);
    failures = 0;
    open();
  };

  const stop = () => {
    ended = true;
    drop();
    offVisibility();
  };

  open();
  return { stop, again };
}

function parse(data: unknown): Snapshot | Delta | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const message = JSON.parse(data) as Snapshot | Delta;
    return message?.kind === 'snapshot' || message?.kind === 'delta' ? message : undefined;
  } catch {
    return undefined;
  }
}

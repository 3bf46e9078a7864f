// Counts of the run that is watched. They change up to ten times a second at every node, so they never pass through
// React: places that show a count register their text node here, changed ids are collected in a dirty set, and one
// animation frame writes them. React hears only of state changes.

import type { Activity, LogLine, NodeState, NodeStatus, Run } from '../api/types';
import { count, duration, exact } from './number';

/** What is shown at a place. */
export type Show =
  | { kind: 'node'; node: string } // records that the node has passed
  | { kind: 'rate'; node: string }
  | { kind: 'progress'; node: string } // share that a running source has read, as a length such as "45%"; empty while unknown
  | { kind: 'queue'; node: string } // share of the places behind a running source that are taken, in percent; empty while unknown
  | { kind: 'edge'; node: string; port: string; to: string; toPort: string; alone: boolean }; // alone: no other edge leads to that port

/** Place is where it is written: a text node, or something that looks like one. */
export interface Place {
  data: string;
}

interface Binding {
  show: Show;
  text: Place;
  last: string;
}

interface Rate {
  points: { at: number; value: number }[];
  text: string;
}

export interface Clock {
  now(): number;
  frame(f: () => void): number;
  cancel(frame: number): void;
}

const browserClock: Clock = {
  now: () => performance.now(),
  frame: (f) => requestAnimationFrame(f),
  cancel: (frame) => cancelAnimationFrame(frame),
};

const rateWindow = 3000;
const rateEvery = 500;
const logKept = 2000;

export class LiveStore {
  private nodes = new Map<string, NodeStatus>();
  private rates = new Map<string, Rate>();
  private bindings = new Map<string, Set<Binding>>(); // by node
  private dirty = new Set<string>();
  private frame: number | null = null;
  private lastRates = 0;
  private stateListeners = new Map<string, Set<() => void>>();
  private anyListeners = new Set<() => void>();
  private logListeners = new Set<() => void>();
  run: Run | null = null;
  log: readonly LogLine[] = [];
  version = 0; // of states, for React
  writes = 0; // text nodes written since the start: a gate of the tests

  constructor(private readonly clock: Clock = browserClock) {}

  /** reset forgets the run before. */
  reset(): void {
    const known = [...this.nodes.keys()];
    this.nodes = new Map();
    this.rates = new Map();
    this.run = null;
    this.log = [];
    for (const node of known) {
      this.touch(node);
      this.tell(this.stateListeners.get(node));
    }
    this.version++;
    this.tell(this.anyListeners);
    this.tell(this.logListeners);
  }

  /** snapshot replaces everything that is known of the run. */
  snapshot(run: Run, log: readonly LogLine[]): void {
    const before = new Set(this.nodes.keys());
    this.run = withoutNodes(run);
    this.log = log.slice(-logKept);
    const now = run.nodes ?? [];
    for (const node of now) before.delete(node.node);
    for (const gone of before) this.forget(gone);
    this.version++;
    this.takeNodes(now);
    this.tell(this.anyListeners);
    this.tell(this.logListeners);
  }

  /** delta takes what changed. */
  delta(run: Run | undefined, nodes: readonly NodeStatus[], log: readonly LogLine[]): void {
    if (run) {
      const changed = run.state !== this.run?.state;
      this.run = withoutNodes(run);
      if (changed) {
        this.version++;
        this.tell(this.anyListeners);
      }
    }
    if (log.length > 0) {
      const last = this.log.at(-1)?.seq ?? 0;
      this.log = [...this.log, ...log.filter((line) => line.seq > last)].slice(-logKept);
      this.tell(this.logListeners);
    }
    this.takeNodes(nodes);
  }

  private takeNodes(nodes: readonly NodeStatus[]): void {
    let states = false;
    for (const status of nodes) {
      const before = this.nodes.get(status.node);
      this.nodes.set(status.node, status);
      this.measure(status);
      this.touch(status.node);
      if (before && sameState(before, status)) continue;
      states = true;
      this.tell(this.stateListeners.get(status.node));
    }
    if (states) {
      this.version++;
      this.tell(this.anyListeners);
    }
  }

  private forget(node: string): void {
    this.nodes.delete(node);
    this.rates.delete(node);
    this.touch(node);
    this.tell(this.stateListeners.get(node));
  }

  status(node: string): NodeStatus | undefined {
    return this.nodes.get(node);
  }

  state(node: string): NodeState | undefined {
    return this.nodes.get(node)?.state;
  }

  all(): readonly NodeStatus[] {
    return [...this.nodes.values()];
  }

  /** done tells how many nodes of the run are over, and of how many. */
  done(): { done: number; of: number } {
    let done = 0;
    for (const node of this.nodes.values()) if (node.state === 'done' || node.state === 'failed' || node.state === 'skipped') done++;
    return { done, of: this.nodes.size };
  }

  /** edge is the count of records that crossed an edge; undefined while nothing is known. What arrived counts several edges to one port together. */
  edge(node: string, port: string, to: string, toPort: string, alone: boolean): number | undefined {
    return this.nodes.get(node)?.out?.[port] ?? (alone ? this.nodes.get(to)?.in?.[toPort] : undefined);
  }

  // React's side: called when a state or reason changes, never for counts.
  onState = (node: string, listener: () => void): (() => void) => {
    let set = this.stateListeners.get(node);
    if (!set) this.stateListeners.set(node, (set = new Set()));
    set.add(listener);
    return () => set.delete(listener);
  };

  /** onAny is called when any state changes. */
  onAny = (listener: () => void): (() => void) => {
    this.anyListeners.add(listener);
    return () => this.anyListeners.delete(listener);
  };

  onLog = (listener: () => void): (() => void) => {
    this.logListeners.add(listener);
    return () => this.logListeners.delete(listener);
  };

  /** bind keeps a place up to date; the answer ends it. */
  bind(show: Show, text: Place): () => void {
    const binding: Binding = { show, text, last: text.data };
    const nodes = show.kind === 'edge' ? [show.node, show.to] : [show.node];
    for (const node of nodes) {
      let set = this.bindings.get(node);
      if (!set) this.bindings.set(node, (set = new Set()));
      set.add(binding);
    }
    this.write(binding);
    return () => {
      for (const node of nodes) this.bindings.get(node)?.delete(binding);
    };
  }

  /** dirtyNodes lets the overview paint what changed. */
  onFlush: (() => void) | null = null;

  private touch(node: string): void {
    this.dirty.add(node);
    this.frame ??= this.clock.frame(() => this.flush());
  }

  private flush(): void {
    this.frame = null;
    const now = this.clock.now();
    if (now - this.lastRates >= rateEvery) this.updateRates(now);
    for (const node of this.dirty) for (const binding of this.bindings.get(node) ?? []) this.write(binding);
    this.dirty.clear();
    this.onFlush?.();
  }

  /** tick lets rates fall to 0/s when nothing arrives any more; the shell calls it twice a second during a run. */
  tick(): void {
    this.updateRates(this.clock.now());
    if (this.dirty.size > 0) this.frame ??= this.clock.frame(() => this.flush());
  }

  private updateRates(now: number): void {
    this.lastRates = now;
    for (const [node, rate] of this.rates) {
      const text = this.rateText(node, rate, now);
      if (text === rate.text) continue;
      rate.text = text;
      this.dirty.add(node);
    }
  }

  private rateText(node: string, rate: Rate, now: number): string {
    const status = this.nodes.get(node);
    if (status?.state !== 'running') return '';
    while (rate.points.length > 2 && now - rate.points[1]!.at >= rateWindow) rate.points.shift();
    const first = rate.points[0]!;
    const last = rate.points.at(-1)!;
    if (now - last.at >= rateWindow) return '0/s';
    const seconds = (now - first.at) / 1000;
    if (rate.points.length < 2 || seconds < 0.2) return '—';
    return `${count((last.value - first.value) / seconds)}/s`;
  }

  private measure(status: NodeStatus): void {
    const at = this.clock.now();
    const value = passed(status) ?? 0;
    const rate = this.rates.get(status.node);
    if (!rate) {
      this.rates.set(status.node, { points: [{ at, value }], text: status.state === 'running' ? '—' : '' });
      return;
    }
    if (value < rate.points.at(-1)!.value) rate.points = []; // another attempt counts from zero
    if (value !== rate.points.at(-1)?.value) rate.points.push({ at, value });
    if (status.state !== 'running') rate.text = '';
  }

  private write(binding: Binding): void {
    const text = this.textOf(binding.show);
    if (text === binding.last) return;
    binding.last = text;
    binding.text.data = text;
    this.writes++;
  }

  private textOf(show: Show): string {
    if (show.kind === 'rate') {
      const rate = this.rates.get(show.node)?.text;
      return rate ? ` · ${rate}` : '';
    }
    if (show.kind === 'progress') {
      const status = this.nodes.get(show.node);
      return status?.state === 'running' && status.progress ? `${(status.progress * 100).toFixed(1)}%` : '';
    }
    if (show.kind === 'queue') {
      const status = this.nodes.get(show.node);
      return status?.state === 'running' && status.activity?.queue ? String(Math.round(status.activity.queue * 100)) : '';
    }
    if (show.kind === 'edge') {
      const value = this.edge(show.node, show.port, show.to, show.toPort, show.alone);
      return value === undefined ? '' : this.marked(count(value));
    }
    const status = this.nodes.get(show.node);
    const value = status && passed(status);
    return value === undefined ? '' : this.marked(`${count(value)} rec`);
  }

  /** marked says of a number that it is one of a sample. */
  private marked(text: string): string {
    return this.run?.trigger === 'sample' ? `sample ${text}` : text;
  }

  /** spoken is the exact count of a node for tooltips and screen readers. */
  spoken(node: string): string {
    const status = this.nodes.get(node);
    const value = status && passed(status);
    if (!status || value === undefined) return '';
    const parts = [`${exact(value)} records${this.run?.trigger === 'sample' ? ' of a sample' : ''}`];
    if (status.rejected) parts.push(`${exact(status.rejected)} rejected`);
    if (status.state === 'running' && status.progress) parts.push(`${Math.floor(status.progress * 100)} % read`);
    if (status.activity) parts.push(...spent(status.activity));
    return parts.join(', ');
  }

  private tell(listeners: Set<() => void> | undefined): void {
    for (const listener of listeners ?? []) listener();
  }
}

/** spent says how a node spends its time. */
function spent(activity: Activity): string[] {
  const parts = [
    ['busy', activity.busyMS], ['waiting', activity.waitingMS], ['held back', activity.blockedMS], ['computed for', activity.computedMS],
  ] as const;
  const said = parts.filter(([, ms]) => ms && ms >= 100).map(([word, ms]) => `${word} ${duration(ms!)}`);
  return activity.bottleneck ? ['the others wait for it', ...said] : said;
}

/** passed is the number that a card shows: what a sink has written, else what left the node, else what arrived. */
export function passed(status: NodeStatus): number | undefined {
  if (status.written) return status.written;
  const out = Object.entries(status.out ?? {}).filter(([port]) => port !== 'rejects');
  if (out.length > 0) return out.reduce((sum, [, n]) => sum + n, 0);
  const arrived = Object.values(status.in ?? {});
  if (arrived.length > 0) return arrived.reduce((sum, n) => sum + n, 0);
  return status.written;
}

/** sameState: nothing differs but numbers. */
export function sameState(a: NodeStatus, b: NodeStatus): boolean {
  return a.state === b.state && a.reason === b.reason && !a.rejected === !b.rejected && (a.stoppedEarly?.length ?? 0) === (b.stoppedEarly?.length ?? 0) &&
    !a.activity?.bottleneck === !b.activity?.bottleneck && broken(a) === broken(b);
}

/** broken names the expectations that are not met. */
function broken(status: NodeStatus): string {
  return (status.expectations ?? []).map((e) => (e.broken > 0 ? '1' : '0')).join('');
}

function withoutNodes(run: Run): Run {
  const { nodes: _, ...rest } = run;
  return rest;
}

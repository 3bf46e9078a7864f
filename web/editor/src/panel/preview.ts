// Asks for the preview of the selected node after the document has been quiet for a moment. Only the newest question is
// answered; what was last good at a node stays on screen while the next answer is made.

import { reasonOf } from '../shell/session';
import type { FlowError, Preview, SampleMode } from '../api/types';
import type { FlowDocument } from '../model/document';
import { ApiError } from '../api/client';

export type Samples = Readonly<Record<string, SampleMode>>;

interface Question {
  document: FlowDocument;
  node: string;
  samples: Samples;
  fresh?: true;
}

export type AskPreview = (question: Question, signal: AbortSignal) => Promise<Preview>;

export interface PreviewState {
  node: string | null;
  shown: Preview | null; // the newest one with records, of this node
  problems: readonly FlowError[]; // what keeps the newest one from being made
  loading: boolean;
  old: boolean; // shown is of an earlier state of the flow
}

interface Timers {
  later(f: () => void, ms: number): unknown;
  cancel(timer: never): void;
}

const quiet = 250; // ms
const remembered = 12; // nodes
const everyFirst: Samples = {};

const nothing: PreviewState = { node: null, shown: null, problems: [], loading: false, old: false };
const browserTimers: Timers = { later: (f, ms) => setTimeout(f, ms), cancel: (timer) => clearTimeout(timer) };

export class PreviewLoader {
  state: PreviewState = nothing;
  private readonly listeners = new Set<() => void>();
  private readonly good = new Map<string, Preview>();
  private asking: AbortController | null = null;
  private timer: unknown = null;
  private wanted: Question | null = null;

  constructor(private readonly ask: AskPreview, private readonly timers: Timers = browserTimers) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private put(part: Partial<PreviewState>): void {
    this.state = { ...this.state, ...part };
    for (const listener of this.listeners) listener();
  }

  /** want asks for a node of a document. A change of the node asks at once, a change of the document when it is quiet. */
  want(document: FlowDocument, node: string | null, samples: Samples = everyFirst): void {
    if (node === null) {
      this.stop();
      return this.put(nothing);
    }
    if (this.wanted?.document === document && this.wanted.node === node && this.wanted.samples === samples) return;
    const moved = this.wanted?.node !== node || this.wanted.samples !== samples;
    this.stop();
    this.wanted = { document, node, samples };
    const shown = this.good.get(node) ?? null;
    this.put({ node, shown, old: shown !== null, loading: true, ...(moved ? { problems: [] } : {}) });
    this.timer = this.timers.later(() => void this.load(), moved ? 0 : quiet);
  }

  /** again asks once more. Where fresh, the records are read again, such as after a table has changed. */
  again(fresh = true): void {
    const { wanted } = this;
    this.stop();
    if (!wanted) return;
    this.want(wanted.document, wanted.node, wanted.samples);
    if (fresh) this.wanted = { ...wanted, fresh: true };
  }

  stop(): void {
    if (this.timer !== null) this.timers.cancel(this.timer as never);
    this.timer = null;
    this.asking?.abort();
    this.asking = null;
    this.wanted = null;
  }

  private async load(): Promise<void> {
    this.timer = null;
    const question = this.wanted!;
    const asking = (this.asking = new AbortController());
    try {
      const preview = await this.ask(question, asking.signal);
      if (this.asking === asking) this.take(question.node, preview);
    } catch (error) {
      if (this.asking === asking) this.put({ loading: false, problems: problemsOf(error) });
    }
  }

  private take(node: string, preview: Preview): void {
    const problems = preview.problems ?? [];
    if (problems.some((p) => p.severity !== 'warning')) return this.put({ loading: false, problems });
    this.good.delete(node);
    this.good.set(node, preview);
    if (this.good.size > remembered) this.good.delete(this.good.keys().next().value!);
    this.put({ shown: preview, problems, loading: false, old: false });
  }
}

function problemsOf(error: unknown): FlowError[] {
  if (error instanceof ApiError && error.problems.length > 0) return [...error.problems];
  if (error instanceof ApiError) return [{ code: error.code, message: error.detail, ...(error.suggestion ? { suggestion: error.suggestion } : {}), ...(error.path ? { path: error.path } : {}) }];
  return [{ code: 'network', message: reasonOf(error) }];
}

// What the editor does by itself: save the draft, ask for the check, start and watch runs. No DOM, no React; timers and
// the network come from outside, so that tests need neither.

import { ApiError, type Client } from '../api/client';
import { watchRun, type Environment, browser } from '../api/live';
import type { Flow, FlowError, Run } from '../api/types';
import { documentOf, nodeOf, titleOf, type FlowDocument } from '../model/document';
import type { Editor } from '../model/editor';
import type { LiveStore } from '../live/store';
import { needsValue } from '../parameter/parameter';
import { Connection } from './connection';

export interface Timers {
  later(f: () => void, ms: number): number;
  cancel(timer: number): void;
}

const saveAfter = 1000;
const checkAfter = 300;
// A check that failed on the server is asked for again after this time, and after twice as much each time that it fails again.
const checkAgain = 2_000;
const longestPause = 60_000;
const retryAfter = 5000;

export class Session {
  private savedDocument: FlowDocument;
  private checkedDocument: FlowDocument | null = null;
  private failedChecks = 0; // one after the other, for want of something on the server
  private saveTimer: number | null = null;
  private checkTimer: number | null = null;
  private saving: Promise<boolean> | null = null;
  private checking: AbortController | null = null;
  private watched: { id: string; stop(): void; again(): void } | null = null;
  private readonly connection: Connection;
  private starting = false;
  private seen: FlowDocument;
  private seenIn: { environment: string; given: Readonly<Record<string, string>> };
  private rateTimer: number | null = null;

  constructor(
    private readonly editor: Editor,
    private readonly client: Client,
    private readonly live: LiveStore,
    readonly flow: string, // id; empty on the page of a run
    private readonly env: Environment = browser,
    private readonly timers: Timers = env,
    private readonly key: () => string = randomKey,
  ) {
    this.savedDocument = this.seen = editor.state.document;
    this.seenIn = { environment: editor.state.environment, given: editor.state.given };
    this.connection = new Connection(editor, { timers, random: () => env.random(), ask: () => this.probe(), back: () => this.back() });
  }

  /** start follows the editor until the answer is called. */
  start(): () => void {
    const off = this.editor.subscribe(() => this.changed());
    this.client.onReach = (answered) => this.connection.reached(answered);
    this.checkSoon(0);
    return () => {
      off();
      this.clear('saveTimer');
      this.clear('checkTimer');
      this.clear('rateTimer');
      this.checking?.abort();
      this.connection.stop();
      this.watched?.stop();
    };
  }

  private clear(timer: 'saveTimer' | 'checkTimer' | 'rateTimer'): void {
    if (this[timer] !== null) this.timers.cancel(this[timer]);
    this[timer] = null;
  }

  private changed(): void {
    const { document, saved, environment, given } = this.editor.state;
    if (environment !== this.seenIn.environment || given !== this.seenIn.given) {
      this.seenIn = { environment, given };
      this.checkedDocument = null;
      this.checkSoon(0);
    }
    if (document === this.seen) return;
    this.seen = document;
    this.checkSoon(checkAfter);
    if (saved.kind !== 'conflict') this.saveSoon(saveAfter);
  }

  private saveSoon(ms: number): void {
    this.clear('saveTimer');
    if (!this.flow) return;
    this.saveTimer = this.timers.later(() => {
      this.saveTimer = null;
      void this.save();
    }, ms);
  }

  get unsaved(): boolean {
    return this.flow !== '' && this.editor.state.document !== this.savedDocument;
  }

  /** save writes the draft now; the answer says whether everything is saved. One save at a time. */
  async save(): Promise<boolean> {
    this.clear('saveTimer');
    if (this.saving) await this.saving;
    if (!this.unsaved) {
      if (this.editor.state.saved.kind === 'changed') this.editor.set({ saved: { kind: 'saved' } });
      return true;
    }
    if (this.editor.state.saved.kind === 'conflict') return false;
    const saving = this.write(this.editor.state.document, this.editor.state.etag);
    this.saving = saving;
    try {
      return await saving;
    } finally {
      if (this.saving === saving) this.saving = null;
    }
  }

  private async write(document: FlowDocument, etag: string): Promise<boolean> {
    this.editor.set({ saved: { kind: 'saving' } });
    try {
      const saved = await this.client.saveDraft(this.flow, document, etag);
      this.savedDocument = document;
      const later = this.editor.state.document !== document;
      this.editor.set({ etag: saved.etag, saved: later ? { kind: 'changed' } : { kind: 'saved', at: saved.updatedAt } });
      if (later) this.saveSoon(saveAfter);
      return !later;
    } catch (error) {
      await this.notSaved(error);
      return false;
    }
  }

  private async notSaved(error: unknown): Promise<void> {
    if (error instanceof ApiError && error.code === 'draft.conflict') {
      try {
        this.editor.set({ saved: { kind: 'conflict', theirs: await this.client.flow(this.flow) } });
        this.editor.announce('Somebody else saved this flow. Choose which one to keep.');
        return;
      } catch (second) {
        error = second;
      }
    }
    this.editor.set({ saved: { kind: 'failed', reason: reasonOf(error) } });
    if (error instanceof ApiError && error.status >= 500) this.saveSoon(retryAfter); // without any answer the connection sees to it
  }

  /** reconnect asks the server at once whether it answers again. */
  reconnect(): void {
    this.connection.now();
  }

  /** probe asks for something that is wanted anyway; the client tells the connection how it went. */
  private async probe(): Promise<void> {
    try {
      if (this.unsaved && this.editor.state.saved.kind !== 'conflict') await this.save();
      else if (this.flow) await this.client.flow(this.flow);
      else if (this.watched) await this.client.run(this.watched.id);
    } catch {
      // what a refusal means is told where it matters; here only the answer counts
    }
  }

  /** back catches up with the server. */
  private back(): void {
    if (this.unsaved && this.editor.state.saved.kind === 'failed') this.saveSoon(0);
    this.checkSoon(0);
    this.watched?.again();
  }

  /** keepMine saves this document over theirs; undo brings theirs back. */
  async keepMine(theirs: Flow): Promise<void> {
    const mine = this.editor.state.document;
    this.editor.set({ etag: theirs.etag, saved: { kind: 'changed' } });
    this.savedDocument = documentOf(theirs.document);
    this.editor.replace('Take the other version', this.savedDocument);
    this.editor.replace('Keep this version', mine);
    await this.save();
  }

  /** copyMine saves this document as a flow of its own, beside theirs. It answers the id of the copy, undefined where it was not saved. */
  async copyMine(): Promise<string | undefined> {
    const { id: _, ...mine } = this.editor.state.document;
    try {
      const copy = await this.client.createFlow({ ...mine, name: `${mine.name} (copy)`.slice(-200) });
      this.savedDocument = this.editor.state.document;
      return copy.id;
    } catch (error) {
      this.editor.set({ runError: { message: `the copy was not saved: ${reasonOf(error)}` } });
      return undefined;
    }
  }

  /** takeTheirs replaces this document; undo brings it back. */
  takeTheirs(theirs: Flow): void {
    this.editor.set({ etag: theirs.etag, saved: { kind: 'saved' } });
    this.editor.replace('Take the other version', documentOf(theirs.document));
    this.clear('saveTimer');
    this.savedDocument = this.editor.state.document;
    this.editor.set({ saved: { kind: 'saved', at: theirs.updatedAt } });
  }

  private checkSoon(ms: number): void {
    this.clear('checkTimer');
    this.checkTimer = this.timers.later(() => {
      this.checkTimer = null;
      void this.check();
    }, ms);
  }

  private async check(): Promise<void> {
    const { document, environment, given } = this.editor.state;
    if (document === this.checkedDocument) return;
    this.checking?.abort();
    const controller = (this.checking = new AbortController());
    try {
      const answer = await this.client.check({ document, ...(environment ? { environment } : {}), ...(Object.keys(given).length > 0 ? { parameters: known(document, given) } : {}) }, controller.signal);
      if (controller.signal.aborted) return; // another document is on its way
      this.checkedDocument = document;
      this.failedChecks = 0;
      this.editor.checked(answer);
    } catch (error) {
      if (controller.signal.aborted) return;
      if (error instanceof ApiError && error.status === 0) return; // it is checked when the server answers again
      if (error instanceof ApiError && error.status >= 500) this.checkSoon(Math.min(checkAgain * 2 ** this.failedChecks++, longestPause));
      this.editor.set({ check: { ...this.editor.state.check, reason: reasonOf(error) } });
    }
  }

  /** ask starts a run, after asking for its values where the flow needs some or `always`. */
  ask(until?: string, always = false, sample = this.editor.state.sampleOnly && until === undefined): void {
    const { document, environment } = this.editor.state;
    const parameters = document.parameters ?? [];
    if (parameters.some((p) => always || needsValue(p, environment))) this.editor.set({ asking: { ...(until === undefined ? {} : { until }), ...(sample ? { sample } : {}) } });
    else void this.run(until, {}, sample);
  }

  /** run saves the flow and starts it, up to a node if one is given. It answers what is wrong with the flow or its values. */
  async run(until?: string, parameters: Record<string, string> = {}, sample = false): Promise<readonly FlowError[]> {
    if (this.starting || this.running || !this.flow) return [];
    this.starting = true;
    this.editor.set({ runError: null });
    try {
      if (!(await this.saveAll())) throw new ApiError(0, 'save', this.notSavedReason(), 'the run uses the saved flow');
      const key = this.key();
      const { environment } = this.editor.state;
      const start = { flow: this.flow, ...(until === undefined ? {} : { until }), ...(sample ? { sample } : {}), ...(environment ? { environment } : {}), ...(Object.keys(parameters).length > 0 ? { parameters } : {}) };
      const run = await this.client.startRun(start, key).catch((error: unknown) => {
        // No answer: the run may have begun. The same key asks for the same run.
        if (error instanceof ApiError && error.status === 0) return this.client.startRun(start, key);
        throw error;
      });
      this.watch(run);
      this.editor.announce(sample ? 'The run on the sample has started. Nothing will be written.' : 'The run has started.');
      return [];
    } catch (error) {
      this.refused(error);
      return error instanceof ApiError ? error.problems : [];
    } finally {
      this.starting = false;
    }
  }

  private async saveAll(): Promise<boolean> {
    for (let tries = 0; tries < 3; tries++) if (await this.save()) return true;
    return false;
  }

  private notSavedReason(): string {
    const { saved } = this.editor.state;
    if (saved.kind === 'conflict') return 'the flow was not run because somebody else has changed it';
    return saved.kind === 'failed' ? `the flow was not run because it could not be saved: ${saved.reason}` : 'the flow was not run because it is still changing';
  }

  private refused(error: unknown): void {
    if (error instanceof ApiError && error.problems.length > 0) {
      this.editor.set({ check: { ...this.editor.state.check, problems: error.problems } });
      this.editor.openDock('problems');
    }
    const told = error instanceof ApiError ? { message: error.detail, suggestion: error.suggestion } : { message: reasonOf(error) };
    this.editor.set({ runError: told });
    this.editor.announce(`The flow was not run: ${told.message}`);
  }

  get running(): boolean {
    const state = this.editor.state.run?.state;
    return state === 'queued' || state === 'running';
  }

  /** publish saves the flow and makes it the revision that triggers run. */
  async publish(): Promise<void> {
    try {
      if (!(await this.saveAll())) throw new ApiError(0, 'save', this.notSavedReason().replace('run because', 'published because'), 'try again when it is saved');
      const { number } = await this.client.publish(this.flow);
      this.editor.set({ published: number, runError: null });
      this.editor.announce(`Revision ${number} is published.`);
    } catch (error) {
      this.editor.set({ runError: { message: `the flow was not published: ${reasonOf(error)}` } });
      this.editor.announce('The flow was not published.');
    }
  }

  /** stop cancels the run that is watched. */
  async stop(): Promise<void> {
    const { run } = this.editor.state;
    if (!run || !this.running) return;
    try {
      await this.client.cancelRun(run.id);
    } catch (error) {
      this.editor.set({ runError: { message: reasonOf(error) } });
    }
  }

  /** readPins finds out which nodes are pinned. */
  async readPins(): Promise<void> {
    if (!this.flow) return;
    try {
      this.editor.set({ pins: (await this.client.pins(this.flow)).items ?? [] });
    } catch (error) {
      this.editor.set({ runError: { message: `it is not known which nodes are pinned: ${reasonOf(error)}` } });
    }
  }

  /** togglePin pins what a node puts out, or lets go of it. */
  togglePin(node: string): Promise<void> {
    return this.editor.state.pins.some((pin) => pin.node === node) ? this.unpin(node) : this.pin(node);
  }

  async pin(node: string): Promise<void> {
    if (this.editor.state.pinning !== null) return;
    const { document, environment, given, samples } = this.editor.state;
    this.editor.set({ pinning: node, runError: null });
    try {
      const pin = await this.client.pin(this.flow, { document, node, samples, ...(environment ? { environment } : {}), parameters: known(document, given) });
      const others = this.editor.state.pins.filter((p) => p.node !== node);
      this.editor.set({ pins: [...others, pin] });
      this.editor.announce(`${titleIn(document, node)} is pinned: previews begin at its records. Runs do not.`);
    } catch (error) {
      this.editor.set({ runError: { message: `${titleIn(document, node)} was not pinned: ${reasonOf(error)}`, ...(error instanceof ApiError && error.suggestion ? { suggestion: error.suggestion } : {}) } });
      this.editor.announce(`It was not pinned: ${reasonOf(error)}`);
    } finally {
      this.editor.set({ pinning: null });
    }
  }

  async unpin(node: string): Promise<void> {
    try {
      await this.client.unpin(this.flow, node);
      this.editor.set({ pins: this.editor.state.pins.filter((p) => p.node !== node) });
      this.editor.announce(`${titleIn(this.editor.state.document, node)} is not pinned any more.`);
    } catch (error) {
      this.editor.set({ runError: { message: `${titleIn(this.editor.state.document, node)} is still pinned: ${reasonOf(error)}` } });
    }
  }

  /** unwatch takes a run that is over off the canvas. */
  unwatch(): void {
    this.watched?.stop();
    this.watched = null;
    this.live.reset();
    this.live.run = null;
    this.editor.set({ run: null });
  }

  /** watch shows a run on the canvas. */
  watch(run: Run): void {
    this.watched?.stop();
    this.live.reset();
    this.live.snapshot(run, []);
    this.editor.set({ run: this.live.run });
    const handle = watchRun(run.id, {
      snapshot: (message) => {
        this.live.snapshot(message.run, message.log ?? []);
        this.told();
      },
      delta: (message) => {
        this.live.delta(message.run, message.nodes ?? [], message.log ?? []);
        this.told();
      },
      connected: (connected) => void (connected || this.probe()),
    }, this.env);
    this.watched = { id: run.id, ...handle };
    this.tickRates();
  }

  private tickRates(): void {
    this.clear('rateTimer');
    if (!this.running) return;
    this.rateTimer = this.timers.later(() => {
      this.live.tick();
      this.tickRates();
    }, 500);
  }

  /** told passes on the run when something that React shows is different. */
  private told(): void {
    const before = this.editor.state.run;
    const now = this.live.run;
    if (!now || (before?.id === now.id && before.state === now.state && before.attempt === now.attempt && before.startedAt === now.startedAt && before.endedAt === now.endedAt)) return;
    this.editor.set({ run: now });
    if (before?.state !== now.state) this.editor.announce(stateSentence(now));
    if (now.state === 'running' && this.rateTimer === null) this.tickRates();
  }
}

/** randomKey also works over plain HTTP, where crypto.randomUUID does not exist. */
function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** known leaves values out whose parameter is gone. */
export function known(document: FlowDocument, given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => document.parameters?.some((p) => p.name === name)));
}

/** titleIn is what a node is called. */
function titleIn(document: FlowDocument, id: string): string {
  const node = nodeOf(document, id);
  return node ? titleOf(node) : id;
}

export function stateSentence(run: Run): string {
  const said = plainSentence(run);
  return run.trigger === 'sample' ? `${said.replace('The run', 'The run on the sample')} Nothing was written.` : said;
}

function plainSentence(run: Run): string {
  switch (run.state) {
    case 'queued': return 'The run is queued.';
    case 'running': return 'The run is running.';
    case 'succeeded': return run.rejected > 0 ? `The run is done with ${run.rejected} ${run.rejected === 1 ? 'reject' : 'rejects'}.` : 'The run is done.';
    case 'cancelled': return 'The run was stopped.';
    case 'failed': return `The run failed: ${run.error?.message ?? 'no reason is known'}`;
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

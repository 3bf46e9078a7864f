// Whether the server answers. While it does not, it is asked again with growing pauses; nothing that was typed is lost.

import type { Editor } from '../model/editor';
import type { Timers } from './session';

const firstPause = 1000;
const longestPause = 30_000;

export interface ConnectionOptions {
  timers: Timers;
  random(): number;
  ask(): Promise<void>; // makes a request; `reached` hears how it went
  back(): void; // the server answers again
}

export class Connection {
  private timer: number | null = null;
  private failures = 0;

  constructor(private readonly editor: Editor, private readonly options: ConnectionOptions) {}

  /** reached takes how a request went: an answer of any kind, or none. */
  reached(answered: boolean): void {
    const { offline } = this.editor.state;
    if (answered) {
      if (!offline) return;
      this.stop();
      this.failures = 0;
      this.editor.set({ offline: false });
      this.editor.announce('The server answers again.');
      this.options.back();
      return;
    }
    if (!offline) {
      this.editor.set({ offline: true });
      this.editor.announce('The server does not answer. Your changes are kept in this window.');
    }
    if (this.timer !== null) return;
    const pause = Math.min(longestPause, firstPause * 2 ** this.failures++);
    this.timer = this.options.timers.later(() => this.now(), pause * (0.5 + this.options.random() / 2));
  }

  /** now asks without waiting for the end of the pause. */
  now(): void {
    this.stop();
    void this.options.ask();
  }

  stop(): void {
    if (this.timer !== null) this.options.timers.cancel(this.timer);
    this.timer = null;
  }
}

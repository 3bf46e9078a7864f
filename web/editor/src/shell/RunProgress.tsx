import { useEffect, useRef } from 'react';
import { clock, count, duration } from '../live/number';
import type { LiveStore } from '../live/store';
import { StateBadge } from '../canvas/StateBadge';
import type { CardState } from '../canvas/card';
import type { Run } from '../api/types';
import { useEditor, useServices } from './editor';

export function lookOf(run: Run): CardState {
  const look = plainLook(run);
  return run.trigger === 'sample' ? { ...look, word: `Sample: ${look.word.toLowerCase()}` } : look;
}

function plainLook(run: Run): CardState {
  switch (run.state) {
    case 'queued': return { look: 'queued', word: 'Queued' };
    case 'running': return { look: 'running', word: 'Running' };
    case 'failed': return { look: 'failed', word: 'Failed' };
    case 'cancelled': return { look: 'skipped', word: 'Stopped' };
    case 'succeeded': return run.rejected > 0 ? { look: 'warning', word: 'Done with rejects' } : { look: 'succeeded', word: 'Done' };
  }
}

/** RunProgress is the line in the top bar: "7/12 nodes · 1.2 M rec · 00:42", and "12/12 nodes · 2.0 M rec · 1.4 s" in the end. */
export function RunProgress() {
  const { live } = useServices();
  const run = useEditor((s) => s.run);
  const text = useRef<HTMLSpanElement>(null);
  const running = run?.state === 'queued' || run?.state === 'running';
  useEffect(() => {
    const write = () => {
      if (text.current) text.current.textContent = progress(live);
    };
    write();
    if (!running) return live.onAny(write);
    const timer = setInterval(write, 500);
    return () => clearInterval(timer);
  }, [live, run, running]);
  if (!run) return null;
  return (
    <div className="progress">
      <StateBadge {...lookOf(run)} />
      <span ref={text} className="progress-text" />
      {run.error && <span className="progress-error" title={run.error.message}>{run.error.message}</span>}
    </div>
  );
}

export function progress(live: LiveStore, now = Date.now()): string {
  const run = live.run;
  if (!run) return '';
  const { done, of } = live.done();
  const parts = [];
  if (of > 0) parts.push(`${done}/${of} nodes`);
  parts.push(`${count(Math.max(run.read, run.written))} rec`);
  if (run.rejected > 0) parts.push(`${count(run.rejected)} ${run.rejected === 1 ? 'reject' : 'rejects'}`);
  if (run.startedAt && run.endedAt) parts.push(duration(Date.parse(run.endedAt) - Date.parse(run.startedAt)));
  else if (run.startedAt) parts.push(clock(now - Date.parse(run.startedAt)));
  return parts.join(' · ');
}

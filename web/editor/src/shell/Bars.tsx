import { Eye, TriangleAlert, Unplug, X } from 'lucide-react';
import { documentOf } from '../model/document';
import { difference } from '../model/difference';
import { sentence } from '../form/problem';
import { useEditor, useServices } from './editor';
import { SampleBar } from './RunMode';

/** Bars stand below the top bar while something needs a decision; they push the canvas down and never cover it. */
export function Bars() {
  return (
    <>
      <OfflineBar />
      <ConflictBar />
      <ErrorBar />
      <SampleBar />
      <NarrowBar />
    </>
  );
}

function OfflineBar() {
  const { session } = useServices();
  const offline = useEditor((s) => s.offline);
  const unsaved = useEditor((s) => s.saved.kind !== 'saved');
  const running = useEditor((s) => s.run?.state === 'queued' || s.run?.state === 'running');
  if (!offline) return null;
  return (
    <section className="bar warning" aria-label="Connection">
      <Unplug size={18} aria-hidden="true" />
      <div className="bar-text">
        <strong>The server does not answer.</strong>
        {unsaved && ' Your changes are kept in this window and are saved as soon as it answers.'}
        {running && ' What is shown of the run may be old.'}
      </div>
      <button type="button" onClick={() => session.reconnect()}>Try now</button>
    </section>
  );
}

function ConflictBar() {
  const { editor, session } = useServices();
  const saved = useEditor((s) => s.saved);
  const mine = useEditor((s) => (s.saved.kind === 'conflict' ? s.document : null));
  if (saved.kind !== 'conflict' || !mine) return null;
  const { theirs } = saved;
  const diff = difference(mine, documentOf(theirs.document));
  const when = new Date(theirs.updatedAt).toLocaleTimeString();
  return (
    <section className="bar warning" aria-label="Conflict">
      <TriangleAlert size={18} aria-hidden="true" />
      <div className="bar-text">
        <strong>{theirs.updatedBy || 'Somebody'} saved another version of this flow at {when}.</strong> Nothing of yours was saved since.
        <ul>
          <Part word="Only in the other version" items={diff.added} />
          <Part word="Only in yours" items={diff.removed} />
          <Part word="Different" items={diff.changed} />
        </ul>
      </div>
      <button type="button" onClick={() => void session.copyMine().then((id) => id !== undefined && location.assign(`/flows/${encodeURIComponent(id)}`))}>Keep mine as a copy</button>
      <button type="button" title="Undo brings theirs back" onClick={() => void session.keepMine(theirs)}>Keep mine</button>
      <button type="button" title="Undo brings yours back" onClick={() => { session.takeTheirs(theirs); editor.announce('This is the other version now. Undo brings yours back.'); }}>Take theirs</button>
    </section>
  );
}

function Part({ word, items }: { word: string; items: readonly string[] }) {
  if (items.length === 0) return null;
  const shown = items.slice(0, 6).join(', ');
  return <li>{word}: {shown}{items.length > 6 && ` and ${items.length - 6} more`}</li>;
}

function ErrorBar() {
  const { editor } = useServices();
  const error = useEditor((s) => s.runError);
  const check = useEditor((s) => s.check.reason);
  if (!error && !check) return null;
  return (
    <section className="bar failed" role="alert">
      <TriangleAlert size={18} aria-hidden="true" />
      <div className="bar-text">
        {error ? <>{sentence(error.message)} {error.suggestion && sentence(error.suggestion)}</> : <>The flow could not be checked: {check}</>}
      </div>
      <button type="button" className="icon-button" aria-label="Close" onClick={() => editor.set({ runError: null, check: withoutReason(editor.state.check) })}>
        <X size={16} aria-hidden="true" />
      </button>
    </section>
  );
}

function NarrowBar() {
  const { session } = useServices();
  const narrow = useEditor((s) => s.narrow);
  if (!narrow || session.flow === '') return null;
  return (
    <section className="bar note" aria-label="Editing">
      <Eye size={18} aria-hidden="true" />
      <div className="bar-text">This window is too narrow for editing. The flow can be looked at and run; make the window at least 900 pixels wide to change it.</div>
    </section>
  );
}

function withoutReason<T extends { reason?: string }>(check: T): Omit<T, 'reason'> & { reason?: never } {
  const { reason: _, ...rest } = check;
  return rest;
}

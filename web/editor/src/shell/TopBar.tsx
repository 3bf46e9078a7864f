import { ArrowLeft, CircleHelp, Moon, Play, Redo2, Settings2, Square, Sun, Undo2, Upload } from 'lucide-react';
import { useState } from 'react';
import { can, flowSettings, help, perform, publish, redo, run, stop, undo, type Action } from '../action';
import type { SavedState } from '../model/editor';
import { EnvironmentSelect } from '../parameter/EnvironmentSelect';
import { useEditor, useServices } from './editor';
import { RunMode } from './RunMode';
import { RunProgress } from './RunProgress';
import { isDark, toggleTheme } from './theme';

export function TopBar() {
  const watched = useEditor((s) => s.run);
  const running = watched?.state === 'queued' || watched?.state === 'running';
  const readOnly = useEditor((s) => s.readOnly);
  const sampleOnly = useEditor((s) => s.sampleOnly);
  const [dark, setDark] = useState(isDark);
  return (
    <header className="top">
      <a className="icon-button" href="/flows" aria-label="Back to the flows" title="Flows">
        <ArrowLeft size={18} aria-hidden="true" />
      </a>
      <Name />
      <SavedText />
      <PublishedText />
      <span className="space" />
      <RunProgress />
      {!readOnly && <Tool action={undo} Icon={Undo2} />}
      {!readOnly && <Tool action={redo} Icon={Redo2} />}
      <button
        type="button"
        className="icon-button"
        aria-label={dark ? 'Light theme' : 'Dark theme'}
        title={dark ? 'Light theme' : 'Dark theme'}
        onClick={() => {
          toggleTheme();
          setDark(isDark());
        }}
      >
        {dark ? <Sun size={18} aria-hidden="true" /> : <Moon size={18} aria-hidden="true" />}
      </button>
      <Tool action={flowSettings} Icon={Settings2} />
      <Tool action={help} Icon={CircleHelp} />
      {!readOnly && <Tool action={publish} Icon={Upload} />}
      {!readOnly && <EnvironmentSelect />}
      {!readOnly && <RunMode />}
      {running ? <Main action={stop} Icon={Square} text="Stop" /> : <Main action={run} Icon={Play} text={sampleOnly ? 'Run sample' : 'Run'} />}
    </header>
  );
}

function Name() {
  const { editor } = useServices();
  const name = useEditor((s) => s.document.name);
  const readOnly = useEditor((s) => s.readOnly);
  return (
    <>
      <h1 className="sr-only">{name}</h1>
      <input
        className="flow-name"
        aria-label="Name of the flow"
        value={name}
        maxLength={200}
        readOnly={readOnly}
        size={Math.min(40, Math.max(12, name.length + 1))}
        placeholder="Name of the flow"
        onChange={(event) => editor.change('Rename the flow', (doc) => void (doc.name = event.target.value), { merge: 'name' })}
        onBlur={() => editor.seal()}
        onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
      />
    </>
  );
}

export function savedText(saved: SavedState): string {
  switch (saved.kind) {
    case 'saved': return 'Saved';
    case 'changed':
    case 'saving': return 'Saving…';
    case 'failed': return `Not saved: ${saved.reason}`;
    case 'conflict': return 'Not saved: somebody else changed this flow';
  }
}

function SavedText() {
  const { session } = useServices();
  const saved = useEditor((s) => s.saved);
  const offline = useEditor((s) => s.offline && s.saved.kind !== 'saved'); // a bar says why
  const bad = offline || saved.kind === 'failed' || saved.kind === 'conflict';
  const text = offline ? 'Not saved yet' : savedText(saved);
  return (
    <span className={bad ? 'saved bad' : 'saved'} title={text}>
      {text}
      {saved.kind === 'failed' && !offline && <button type="button" className="link" onClick={() => void session.save()}>Save now</button>}
    </span>
  );
}

function PublishedText() {
  const published = useEditor((s) => s.published);
  return published > 0 ? <span className="saved">Revision {published} is published</span> : null;
}

function usePossible(action: Action): boolean {
  const services = useServices();
  useEditor((s) => s.run?.state);
  return useEditor(() => can(action, services));
}

function label(action: Action): string {
  return action.keys[0] ? `${action.name} (${action.keys[0]})` : action.name;
}

function Tool({ action, Icon }: { action: Action; Icon: typeof Undo2 }) {
  const services = useServices();
  const possible = usePossible(action);
  const step = useEditor((s) => (action.id === 'undo' ? s.canUndo : action.id === 'redo' ? s.canRedo : null));
  const title = step ? `${action.name}: ${step} (${action.keys[0]})` : label(action);
  return (
    <button type="button" className="icon-button" aria-label={action.name} title={title} disabled={!possible} onClick={() => perform(action, services)}>
      <Icon size={18} aria-hidden="true" />
    </button>
  );
}

function Main({ action, Icon, text }: { action: Action; Icon: typeof Play; text: string }) {
  const services = useServices();
  const possible = usePossible(action);
  return (
    <button type="button" className="main-button" title={label(action)} disabled={!possible} onClick={() => perform(action, services)}>
      <Icon size={15} fill="currentColor" aria-hidden="true" />
      {text}
    </button>
  );
}

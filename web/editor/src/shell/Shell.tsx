import './shell.css';
import { useEffect } from 'react';
import { actionFor, can, type Where } from '../action';
import { copyNodes, cutNodes, pasteNodes } from '../action/clipboard';
import { Canvas } from '../canvas/Canvas';
import { NodeMenu } from '../canvas/NodeMenu';
import { Palette } from '../canvas/Palette';
import { Bars } from './Bars';
import { Dock, Panel } from './Dock';
import { ServicesContext, useEditor, useServices, type Services } from './editor';
import { EmptyState } from './EmptyState';
import { RunDialog } from '../parameter/RunDialog';
import { FlowSettingsDialog } from './FlowSettingsDialog';
import { HelpDialog } from './HelpDialog';
import { LiveRegion } from './LiveRegion';
import { Outline } from './Outline';
import { Rail } from './Rail';
import { Resizer } from './Resizer';
import { useSize } from './size';
import { TopBar } from './TopBar';

export function Shell({ services }: { services: Services }) {
  return (
    <ServicesContext value={services}>
      <Layout />
    </ServicesContext>
  );
}

function Layout() {
  const services = useServices();
  const left = useEditor((s) => s.left);
  const readOnly = useEditor((s) => s.readOnly);
  const ofRun = services.session.flow === '';
  const panel = useEditor((s) => s.panel !== null);
  const dock = useEditor((s) => s.dock.open);
  const [config, setConfig] = useSize('config', 400, 320, 640);
  const [height, setHeight] = useSize('dock', 320, 120, 640);
  const Middle = ofRun ? 'div' : 'main'; // the page of a run has its own main part and head
  useNarrow(services);
  useKeys(services);
  useClipboard(services);
  return (
    <div className="shell">
      {!ofRun && <TopBar />}
      <Bars />
      <div className="work">
        <Rail />
        {left && (
          <aside className="left" aria-label={left === 'palette' ? 'Palette' : 'Outline'}>
            {left === 'palette' && !readOnly ? <Palette /> : <Outline />}
          </aside>
        )}
        <Middle className="middle">
          <div className="stage">
            <Canvas />
            <EmptyState />
            <NodeMenu />
          </div>
          {dock && <Resizer label="Height of the details" axis="y" size={height} min={120} max={640} onSize={setHeight} />}
          <div className="dock-place" style={{ height: dock ? height : 36 }}><Dock /></div>
        </Middle>
        {panel && (
          <aside className="right-place" aria-label="Settings">
            <Resizer label="Width of the settings" axis="x" size={config} min={320} max={640} onSize={setConfig} />
            <div className="right" style={{ width: config }}><Panel name="ConfigPanel" /></div>
          </aside>
        )}
      </div>
      <HelpDialog />
      <FlowSettingsDialog />
      <RunDialog />
      <LiveRegion />
    </div>
  );
}

/** useNarrow takes editing away where the window has no room for it. */
function useNarrow({ editor, view }: Services): void {
  useEffect(() => {
    const room = matchMedia('(max-width: 899px)');
    const tell = () => {
      editor.setNarrow(room.matches);
      if (room.matches) requestAnimationFrame(() => view.fit()); // when the canvas has its new size
    };
    tell();
    room.addEventListener('change', tell);
    return () => room.removeEventListener('change', tell);
  }, [editor, view]);
}

function inText(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable="true"], .cm-editor') !== null;
}

/** inCanvas says whether keys mean the canvas: it has the focus, or nothing has, as when the page has just been opened. */
function inCanvas(target: EventTarget | null): boolean {
  return whereOf(target) === 'canvas';
}

function whereOf(target: EventTarget | null): Where {
  if (!(target instanceof Element)) return 'page';
  if (inText(target)) return target.closest('.config, input.flow-name') && !target.closest('[data-own-undo]') ? 'setting' : 'text';
  return target === document.body || target.closest('.canvas') ? 'canvas' : 'page';
}

function useKeys(services: Services): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const where = whereOf(event.target);
      if (event.target instanceof Element && event.target.closest('dialog, [role="menu"]')) return; // nothing is done behind them
      if (where !== 'canvas' && event.target instanceof Element && event.target.closest('[role="grid"], [role="listbox"]') && !(event.ctrlKey || event.metaKey)) return;
      if (event.key === 'Escape' && inText(event.target) && event.target instanceof Element && event.target.closest('.right')) return leave(event, services);
      const action = actionFor(event, where);
      if (action && (action.id === 'undo' || action.id === 'redo')) event.preventDefault(); // else the browser undoes in some field
      if (!action || !can(action, services)) return;
      if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey && event.target instanceof Element && event.target.closest('button, a')) return;
      event.preventDefault();
      action.perform(services);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [services]);
}

/** leave goes from a setting back to the canvas; what was typed stays. */
function leave(event: KeyboardEvent, { editor, view }: Services): void {
  event.preventDefault();
  editor.seal();
  editor.closePanel();
  view.takeFocus();
}

function useClipboard(services: Services): void {
  useEffect(() => {
    const handle = (act: typeof copyNodes) => (event: ClipboardEvent) => {
      const target = document.activeElement;
      if (!event.clipboardData || inText(target) || !(inCanvas(target) || target?.closest('.outline'))) return;
      if (act !== pasteNodes && !getSelection()?.isCollapsed && !target?.closest('.canvas')) return;
      if (act(services, event.clipboardData)) event.preventDefault();
    };
    const [copy, cut, paste] = [handle(copyNodes), handle(cutNodes), handle(pasteNodes)];
    document.addEventListener('copy', copy);
    document.addEventListener('cut', cut);
    document.addEventListener('paste', paste);
    return () => {
      document.removeEventListener('copy', copy);
      document.removeEventListener('cut', cut);
      document.removeEventListener('paste', paste);
    };
  }, [services]);
}

import { ChevronDown, ChevronUp } from 'lucide-react';
import { useEffect, useId, useState, type KeyboardEvent } from 'react';
import type { DockTab } from '../model/editor';
import { useEditor, useServices } from './editor';
import { loadPanels, type PanelName, type Panels } from './panels';

const tabs: readonly { tab: DockTab; title: string; panel: PanelName }[] = [
  { tab: 'preview', title: 'Preview', panel: 'PreviewPanel' },
  { tab: 'schema', title: 'Schema', panel: 'SchemaPanel' },
  { tab: 'problems', title: 'Problems', panel: 'ProblemsPanel' },
  { tab: 'log', title: 'Log', panel: 'LogPanel' },
  { tab: 'rejects', title: 'Rejects', panel: 'RejectsPanel' },
  { tab: 'runs', title: 'Runs', panel: 'RunsPanel' },
];

export function Dock() {
  const { editor } = useServices();
  const dock = useEditor((s) => s.dock);
  const problems = useEditor((s) => s.check.problems.length);
  const id = useId();
  const show = (tab: DockTab) => editor.openDock(tab);
  const walk = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = tabs[(tabs.findIndex(({ tab }) => tab === dock.tab) + step + tabs.length) % tabs.length]!;
    show(next.tab);
    document.getElementById(`${id}-${next.tab}`)?.focus();
  };
  return (
    <section className="dock" aria-label="Details">
      <div className="dock-head">
        <div role="tablist" aria-label="Details" onKeyDown={walk}>
          {tabs.map(({ tab, title }) => {
            const chosen = dock.open && tab === dock.tab;
            return (
              <button key={tab} id={`${id}-${tab}`} type="button" role="tab" aria-selected={chosen} aria-controls={chosen ? `${id}-panel` : undefined} tabIndex={tab === dock.tab ? 0 : -1} onClick={() => show(tab)}>
                {title}
                {tab === 'problems' && problems > 0 && <span className="number" aria-label={`${problems} found`}>{problems}</span>}
              </button>
            );
          })}
        </div>
        <button type="button" className="icon-button" aria-expanded={dock.open} aria-label={dock.open ? 'Close the details' : 'Open the details'} onClick={() => editor.set({ dock: { ...dock, open: !dock.open } })}>
          {dock.open ? <ChevronDown size={16} aria-hidden="true" /> : <ChevronUp size={16} aria-hidden="true" />}
        </button>
      </div>
      {dock.open && (
        <div id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${dock.tab}`} className="dock-body" tabIndex={-1}>
          <Panel name={tabs.find(({ tab }) => tab === dock.tab)!.panel} />
        </div>
      )}
    </section>
  );
}

/** Panel shows one of the parts that load after the canvas. */
export function Panel({ name }: { name: PanelName }) {
  const [panels, setPanels] = useState<Partial<Panels> | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let gone = false;
    loadPanels().then((loaded) => gone || setPanels(loaded), () => gone || setFailed(true));
    return () => void (gone = true);
  }, [failed]);
  if (failed) return <p className="pad">This part could not be loaded. <button type="button" className="link" onClick={() => setFailed(false)}>Try again</button></p>;
  const Found = panels?.[name];
  if (panels && !Found) return <p className="pad">This part is missing in the build: run make build.</p>;
  return Found ? <Found /> : <p className="pad faint" aria-busy="true">Loading…</p>;
}

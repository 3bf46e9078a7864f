import { LayoutGrid, ListTree, Maximize, Network, ZoomIn, ZoomOut } from 'lucide-react';
import { fit, perform, tidy, zoomIn, zoomOut, type Action } from '../action';
import { useEditor, useServices } from './editor';

export function Rail() {
  const { editor } = useServices();
  const left = useEditor((s) => s.left);
  const readOnly = useEditor((s) => s.readOnly);
  const show = (what: 'palette' | 'outline') => editor.set({ left: left === what ? null : what });
  return (
    <nav className="rail" aria-label="Tools">
      {!readOnly && <Toggle pressed={left === 'palette'} label="Nodes" Icon={LayoutGrid} onClick={() => show('palette')} />}
      <Toggle pressed={left === 'outline'} label="Outline" Icon={ListTree} onClick={() => show('outline')} />
      <span className="space" />
      {!readOnly && <Tool action={tidy} Icon={Network} />}
      <Tool action={zoomIn} Icon={ZoomIn} />
      <Tool action={zoomOut} Icon={ZoomOut} />
      <Tool action={fit} Icon={Maximize} />
    </nav>
  );
}

function Toggle({ pressed, label, Icon, onClick }: { pressed: boolean; label: string; Icon: typeof LayoutGrid; onClick: () => void }) {
  return (
    <button type="button" className="icon-button" aria-pressed={pressed} aria-label={label} title={label} onClick={onClick}>
      <Icon size={18} aria-hidden="true" />
    </button>
  );
}

function Tool({ action, Icon }: { action: Action; Icon: typeof LayoutGrid }) {
  const services = useServices();
  return (
    <button type="button" className="icon-button" aria-label={action.name} title={`${action.name} (${action.keys[0]})`} onClick={() => perform(action, services)}>
      <Icon size={18} aria-hidden="true" />
    </button>
  );
}

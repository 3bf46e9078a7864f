import { useEffect, useRef } from 'react';
import { actions } from '../action';
import { useEditor, useServices } from './editor';

const clipboard = [['Ctrl+C', 'Copy'], ['Ctrl+X', 'Cut'], ['Ctrl+V', 'Paste, also in another tab or browser']] as const;
const pointer = [['Wheel', 'Pan'], ['Ctrl+Wheel', 'Zoom'], ['Space or middle button', 'Pan by dragging'], ['Left drag', 'Select']] as const;
const signs: Record<string, string> = { ArrowRight: '→', ArrowLeft: '←', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc', Delete: 'Del' };

export function HelpDialog() {
  const { editor, view } = useServices();
  const open = useEditor((s) => s.help);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
  }, [open]);
  if (!open) return null;
  const close = () => {
    editor.set({ help: false });
    view.takeFocus();
  };
  return (
    <dialog ref={dialog} className="keys-help" aria-labelledby="help-title" onClose={close} onKeyDown={(event) => event.stopPropagation()}>
      <h2 id="help-title">Keys</h2>
      <p className="faint">Single keys work while the canvas or the outline has the focus. Tab leaves it.</p>
      <dl>
        {actions.filter((action) => action.keys.length > 0).map((action) => <Row key={action.id} keys={action.keys.slice(0, 2)} text={action.name} />)}
        {clipboard.map(([key, text]) => <Row key={key} keys={[key]} text={text} />)}
        {pointer.map(([key, text]) => <Row key={key} keys={[key]} text={text} plain />)}
      </dl>
      <form method="dialog"><button type="submit" className="main-button">Close</button></form>
    </dialog>
  );
}

function Row({ keys, text, plain = false }: { keys: readonly string[]; text: string; plain?: boolean }) {
  const written = (key: string) => (plain || key.length === 1 ? (key.length === 1 ? key.toUpperCase() : key) : key.split('+').map((part) => signs[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join(' + '));
  return (
    <div>
      <dt>{keys.map((key, i) => <span key={key}>{i > 0 && ' or '}<kbd>{written(key)}</kbd></span>)}</dt>
      <dd>{text}</dd>
    </div>
  );
}

import { useEffect, useId, useRef, type ReactNode } from 'react';
import './file.css';

interface Props {
  title: string;
  children: ReactNode;
  onClose(): void;
}

/** Dialog is the browser's own modal dialog: Escape closes it and the keyboard stays inside; what has data-first has it at first. */
export function Dialog({ title, children, onClose }: Props): ReactNode {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const dialog = box.current!;
    if (dialog.showModal) dialog.showModal();
    else dialog.open = true;
    dialog.querySelector<HTMLElement>('[data-first]')?.focus(); // showModal gives the keyboard to the first button
    return () => {
      if (before?.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={box} className="file-dialog" aria-labelledby={id} onCancel={(e) => {
      e.preventDefault();
      onClose();
    }}>
      <div className="file-dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={onClose}><span aria-hidden="true">×</span></button>
      </div>
      {children}
    </dialog>
  );
}

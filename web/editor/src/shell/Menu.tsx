import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { Position } from '../model/document';

interface Props {
  label: string;
  at: Position; // in the window
  onClose(): void; // gives the keyboard back
  children: ReactNode; // MenuItems, and headings with role="presentation"
}

const edge = 8;

/** Menu stands at a point of the window, above it where there is no room below. Arrow keys walk, Esc and Tab leave. */
export function Menu({ label, at, onClose, children }: Props): ReactNode {
  const list = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState(at);
  useLayoutEffect(() => {
    const { width, height } = list.current!.getBoundingClientRect();
    const above = at.y + height + edge > innerHeight;
    setPlace({ x: Math.max(edge, Math.min(at.x, innerWidth - width - edge)), y: Math.max(edge, above ? at.y - height : at.y) });
  }, [at.x, at.y]);
  useEffect(() => {
    itemsOf(list.current)[0]?.focus();
    const away = (e: Event) => list.current?.contains(e.target as Node) || onClose();
    addEventListener('pointerdown', away, true);
    addEventListener('wheel', away, true);
    return () => {
      removeEventListener('pointerdown', away, true);
      removeEventListener('wheel', away, true);
    };
  }, []);
  const key = (e: KeyboardEvent) => {
    const items = itemsOf(list.current);
    const here = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: (here + 1) % items.length, ArrowUp: (here - 1 + items.length) % items.length, Home: 0, End: items.length - 1 }[e.key];
    if (to !== undefined) items[to]?.focus();
    else if (e.key === 'Escape' || e.key === 'Tab') onClose();
    else if (e.key.length === 1 && e.key !== ' ' && !e.ctrlKey && !e.metaKey && !e.altKey) startingWith(items, here, e.key)?.focus();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div ref={list} role="menu" className="menu" aria-label={label} style={{ insetInlineStart: place.x, insetBlockStart: place.y }} onKeyDown={key} onContextMenu={(e) => e.preventDefault()}>
      {children}
    </div>
  );
}

function itemsOf(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>('[role="menuitem"]:not(:disabled)') ?? [])];
}

/** startingWith is the next item, after the one with the keyboard, whose text begins with a letter. */
function startingWith(items: readonly HTMLElement[], here: number, letter: string): HTMLElement | undefined {
  const after = [...items.slice(here + 1), ...items.slice(0, here + 1)];
  return after.find((item) => item.textContent?.trim().toLowerCase().startsWith(letter.toLowerCase()));
}

interface ItemProps {
  children: ReactNode;
  detail?: ReactNode; // at the end
  shortcut?: string | undefined; // the key that does the same
  disabled?: boolean;
  onChoose(): void;
}

export function MenuItem({ children, detail, shortcut, disabled = false, onChoose }: ItemProps): ReactNode {
  return (
    <button type="button" role="menuitem" tabIndex={-1} disabled={disabled} aria-keyshortcuts={shortcut?.replace('Ctrl', 'Control')} onClick={onChoose}>
      <span className="menu-label">{children}</span>{' '}
      {detail !== undefined && <span className="menu-detail">{detail}</span>}
      {shortcut !== undefined && <kbd className="menu-detail" aria-hidden="true">{shortcut}</kbd>}
    </button>
  );
}

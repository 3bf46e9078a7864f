import { useLayoutEffect, useRef } from 'react';
import type { Show } from '../live/store';
import { useServices } from '../shell/editor';

/** LiveText shows a count that React never hears of. */
export function LiveText({ show, className }: { show: Show; className?: string }) {
  const { live } = useServices();
  const element = useRef<HTMLSpanElement>(null);
  const key = Object.values(show).join('\n');
  useLayoutEffect(() => {
    const text = document.createTextNode('');
    element.current!.replaceChildren(text);
    return live.bind(show, text);
  }, [live, key]);
  return <span ref={element} className={className} />;
}

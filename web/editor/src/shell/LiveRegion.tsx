import { useEffect, useRef, useState } from 'react';
import { useEditor } from './editor';

const pause = 2000;

/** LiveRegion speaks what happens: the latest sentence, at most one in two seconds. */
export function LiveRegion() {
  const text = useEditor((s) => s.announcement);
  const [spoken, speak] = useState('');
  const last = useRef(0);
  useEffect(() => {
    if (text === '') return;
    const timer = setTimeout(() => {
      last.current = Date.now();
      speak(text);
    }, Math.max(0, last.current + pause - Date.now()));
    return () => clearTimeout(timer);
  }, [text]);
  return <div className="sr-only" role="status" aria-live="polite">{spoken}</div>;
}

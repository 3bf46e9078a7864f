import { useLayoutEffect, useRef } from 'react';
import { useServices } from '../shell/editor';

/** Progress is the bar of a source: how much of it has been read, nothing where that is not known. React never hears of it. */
export function Progress({ node }: { node: string }) {
  const { live } = useServices();
  const bar = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    const style = bar.current!.style;
    style.inlineSize = '';
    return live.bind({ kind: 'progress', node }, { get data() { return style.inlineSize; }, set data(size) { style.inlineSize = size; } });
  }, [live, node]);
  return <span className="card-progress" aria-hidden="true"><span ref={bar} /></span>;
}

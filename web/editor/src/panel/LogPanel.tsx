import { useLayoutEffect, useRef, useSyncExternalStore, type ReactNode } from 'react';
import { sentence } from '../form/problem';
import { useEditor, useServices } from '../shell/editor';
import { RunValues } from '../parameter/RunValues';
import './panel.css';
import { goTo } from './problemWalk';
import { nodeTitle } from './use';

const words = { error: '✕ Error', warning: '▲ Warning', info: 'Info' } as const;

/** LogPanel shows what the watched run tells. It stays at the end unless somebody scrolled away. */
export function LogPanel(): ReactNode {
  const { live, editor } = useServices();
  const log = useSyncExternalStore(live.onLog, () => live.log);
  const run = useEditor((s) => s.run);
  const document = useEditor((s) => s.document);
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    const scroller = box.current?.parentElement;
    if (scroller && atEnd.current) scroller.scrollTop = scroller.scrollHeight;
  }, [log]);
  useLayoutEffect(() => {
    const scroller = box.current?.parentElement;
    const scrolled = () => void (atEnd.current = scroller!.scrollTop + scroller!.clientHeight >= scroller!.scrollHeight - 8);
    scroller?.addEventListener('scroll', scrolled, { passive: true });
    return () => scroller?.removeEventListener('scroll', scrolled);
  }, []);
  return (
    <div ref={box} className="log">
      <RunValues />
      {log.length === 0 && <p className="pad faint">{run ? 'The run has not told anything yet.' : 'Run the flow to see its log.'}</p>}
      <ol>
        {log.map((line) => (
          <li key={line.seq} data-severity={line.severity}>
            <time dateTime={line.at}>{new Date(line.at).toLocaleTimeString([], { hour12: false })}</time>
            <span className="log-severity">{words[line.severity] ?? line.severity}</span>
            <span>{line.error?.path?.node && <strong>{nodeTitle(document, line.error.path.node)}: </strong>}{sentence(line.message)} {sentence(line.error?.suggestion ?? '')}
              {line.error?.path?.node && <button type="button" className="link" onClick={() => goTo(editor, line.error!)}>Go to setting</button>}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

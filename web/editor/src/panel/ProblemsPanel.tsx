import { useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { applyProposal, proposal, sentence } from '../form/problem';
import { useEditor, useServices } from '../shell/editor';
import './panel.css';
import { goTo, inOrder } from './problemWalk';
import { nodeTitle } from './use';

/** ProblemsPanel lists what is wrong with the flow. Enter goes to the setting; F8 and Shift+F8 walk through them. */
export function ProblemsPanel(): ReactNode {
  const { editor } = useServices();
  const problems = inOrder(useEditor((s) => s.check.problems));
  const document = useEditor((s) => s.document);
  const reason = useEditor((s) => s.check.reason);
  const skipped = useEditor((s) => s.check.skipped);
  const list = useRef<HTMLUListElement>(null);
  const [active, setActive] = useState(0);
  const at = Math.min(active, problems.length - 1);
  const walk = (e: KeyboardEvent) => {
    const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    e.preventDefault();
    const next = Math.min(problems.length - 1, Math.max(0, at + step));
    setActive(next);
    list.current?.querySelectorAll<HTMLElement>('.problem-go')[next]?.focus();
  };
  return (
    <div className="problems-panel">
      {reason && <p className="pad">The flow could not be checked: {sentence(reason)} What stands here may be old.</p>}
      {problems.length === 0 && !reason && <p className="pad faint">No problems.</p>}
      <ul ref={list} className="problem-list" onKeyDown={walk}>
        {problems.map((p, i) => (
          <li key={i} data-severity={p.severity ?? 'error'}>
            <button type="button" className="problem-go" tabIndex={i === at ? 0 : -1} onFocus={() => setActive(i)} onClick={() => goTo(editor, p)}>
              <span className="problem-severity"><span aria-hidden="true">{p.severity === 'warning' ? '▲' : '✕'}</span> {p.severity === 'warning' ? 'Warning' : 'Error'}</span>
              <strong>{nodeTitle(document, p.path?.node)}</strong>
              <code>{p.path?.field ?? p.path?.port ?? ''}</code>
              <span>{sentence(p.message)} {sentence(p.suggestion ?? '')}</span>
            </button>
            {proposal(p) !== undefined && p.path?.node && <button type="button" className="form-apply" onClick={() => editor.config(p.path!.node!, 'Take the suggestion', (config) => applyProposal(config, p))}>Use {proposal(p)}</button>}
          </li>
        ))}
      </ul>
      {Object.entries(skipped).length > 0 && (
        <>
          <h2 className="panel-head">Would not run</h2>
          <ul className="problem-list">{Object.entries(skipped).map(([id, why]) => <li key={id}><button type="button" className="problem-go" onClick={() => editor.focusNode(id)}><span className="problem-severity">⊘ Skipped</span><strong>{nodeTitle(document, id)}</strong><code /><span>{sentence(why)}</span></button></li>)}</ul>
        </>
      )}
    </div>
  );
}

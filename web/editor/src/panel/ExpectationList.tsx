import { Check, OctagonX, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { sentence } from '../form/problem';
import { exact } from '../live/number';
import { useNodeStatus } from '../shell/editor';

/** ExpectationList tells how the expectations of a node were kept in the run that is shown; nothing where it has none. */
export function ExpectationList({ node }: { node: string }): ReactNode {
  const status = useNodeStatus(node);
  const list = status?.expectations ?? [];
  if (list.length === 0) return null;
  return (
    <section className="expectations" aria-label="Expectations in this run">
      <h3 className="form-label">In this run</h3>
      <ul>
        {list.map((e, i) => (
          <li key={i} className={e.broken === 0 ? 'state-succeeded' : e.otherwise === 'warn' ? 'state-warning' : 'state-failed'}>
            {e.broken === 0 ? <Check size={14} aria-hidden="true" /> : e.otherwise === 'warn' ? <TriangleAlert size={14} aria-hidden="true" /> : <OctagonX size={14} aria-hidden="true" />}
            <span>{sentence(e.name)}</span>
            <span className="expectation-count">{e.broken === 0 ? 'met' : `not met, ${exact(e.broken)}×`}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

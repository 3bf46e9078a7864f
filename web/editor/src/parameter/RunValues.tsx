import type { ReactNode } from 'react';
import { useEditor } from '../shell/editor';
import './parameter.css';

/** RunValues are the environment and the values that the watched run was given. */
export function RunValues(): ReactNode {
  const run = useEditor((s) => s.run);
  const given = Object.entries(run?.parameters ?? {});
  if (!run || (!run.environment && given.length === 0)) return null;
  return (
    <dl className="run-values" aria-label="What the run was given">
      {run.environment && <div><dt>Environment</dt><dd>{run.environment}</dd></div>}
      {given.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

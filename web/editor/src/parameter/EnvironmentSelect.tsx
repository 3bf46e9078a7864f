import type { ReactNode } from 'react';
import { useEditor, useServices } from '../shell/editor';
import { rememberEnvironment } from './environment';
import './parameter.css';

/** EnvironmentSelect chooses where the flow is checked, previewed and run; hidden where there is only one environment. */
export function EnvironmentSelect(): ReactNode {
  const { editor } = useServices();
  const environments = useEditor((s) => s.environments);
  const chosen = useEditor((s) => s.environment);
  if (environments.length < 2) return null;
  return (
    <select className="environment" aria-label="Environment" title="Where connections lead, and what parameters are" value={chosen} onChange={(e) => {
      rememberEnvironment(e.target.value);
      editor.set({ environment: e.target.value });
      editor.announce(`The flow now works in ${e.target.value}.`);
    }}>
      {environments.map((e) => <option key={e.name} value={e.name}>{e.name}</option>)}
    </select>
  );
}

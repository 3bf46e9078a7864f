import type { ReactNode } from 'react';
import { FlaskConical, X } from 'lucide-react';
import { nodeTitle } from '../panel/use';
import { useEditor, useServices } from './editor';

/** sampleSize is how many records of each driving source a run on the sample reads; flows.DefaultPreview. */
const sampleSize = '1,000';

/** RunMode chooses what Run does: run the flow, or only try it on a sample. */
export function RunMode(): ReactNode {
  const { editor } = useServices();
  const sample = useEditor((s) => s.sampleOnly);
  return (
    <select className="environment" aria-label="What Run does" title={`Sample only: at most ${sampleSize} records of each source, and nothing is written`} value={sample ? 'sample' : 'full'} onChange={(e) => {
      const sampleOnly = e.target.value === 'sample';
      editor.set({ sampleOnly });
      editor.announce(sampleOnly ? 'Run now reads a sample and writes nothing.' : 'Run now runs the flow.');
    }}>
      <option value="full">Full</option>
      <option value="sample">Sample only</option>
    </select>
  );
}

/** SampleBar stands below the top bar as long as the numbers on the canvas are those of a sample. */
export function SampleBar(): ReactNode {
  const { session } = useServices();
  const run = useEditor((s) => (s.run?.trigger === 'sample' ? s.run : null));
  const pins = useEditor((s) => s.pins);
  const document = useEditor((s) => s.document);
  if (!run) return null;
  const over = run.state !== 'queued' && run.state !== 'running';
  return (
    <section className="bar sample" aria-label="Sample">
      <FlaskConical size={18} aria-hidden="true" />
      <div className="bar-text">
        <strong>Sample, no run of the flow:</strong> at most {sampleSize} records of each source {over ? 'were' : 'are'} read; nothing {over ? 'was' : 'is'} written: no table, no file, no cursor.
        {pins.length > 0 && ` Where records are pinned they stand for what is above: ${pins.map((p) => nodeTitle(document, p.node)).join(', ')}.`}
      </div>
      {session.flow !== '' && over && <a className="form-button" href={`/runs/${encodeURIComponent(run.id)}`}>Records and log</a>}
      {session.flow !== '' && over && <button type="button" className="icon-button" aria-label="Close the sample" title="Close the sample" onClick={() => session.unwatch()}><X size={16} aria-hidden="true" /></button>}
    </section>
  );
}

import { FilePlus2, FlaskConical, Plus } from 'lucide-react';
import { useRef, useState } from 'react';
import { add, perform } from '../action';
import { useEditor, useServices } from './editor';
import { dropFiles } from './panels';
import { reasonOf } from './session';

/** EmptyState offers the ways to begin while the flow has no nodes. */
export function EmptyState() {
  const services = useServices();
  const { client, editor, view } = services;
  const empty = useEditor((s) => s.document.nodes.length === 0 && !s.readOnly && s.quickAdd === null);
  const [busy, setBusy] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  if (!empty) return null;
  const sample = async () => {
    setBusy(true);
    try {
      const flow = await client.createSample();
      sessionStorage.setItem('run', flow.id); // see main.tsx
      location.assign(`/flows/${encodeURIComponent(flow.id)}`);
    } catch (error) {
      setBusy(false);
      editor.set({ runError: { message: reasonOf(error) } });
    }
  };
  return (
    <div className="empty">
      <button type="button" onClick={() => { view.takeFocus(); perform(add, services); }}>
        <Plus size={24} aria-hidden="true" />
        <strong>Blank flow</strong>
        <span>Begin with the first node. Press A to add the next.</span>
      </button>
      <button type="button" disabled={busy} onClick={() => void sample()}>
        <FlaskConical size={24} aria-hidden="true" />
        <strong>Run the sample flow</strong>
        <span>Data that comes with Spark; works offline and runs at once.</span>
      </button>
      <button type="button" onClick={() => file.current?.click()}>
        <FilePlus2 size={24} aria-hidden="true" />
        <strong>Drop a file</strong>
        <span>CSV, JSON or Parquet, here on the canvas, or choose one.</span>
      </button>
      <input
        ref={file}
        type="file"
        hidden
        multiple
        accept=".csv,.tsv,.txt,.json,.jsonl,.ndjson,.parquet,.gz"
        onChange={(event) => {
          const chosen = [...(event.target.files ?? [])];
          event.target.value = '';
          if (chosen.length > 0) void dropFiles(services, chosen, view.middle());
        }}
      />
    </div>
  );
}

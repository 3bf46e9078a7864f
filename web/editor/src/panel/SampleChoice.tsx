import { Dices } from 'lucide-react';
import { useEffect, useId, useState, type ReactNode } from 'react';
import type { Catalogue, SampleMode } from '../api/types';
import { edgesInto, nodeOf, portsOf, type FlowDocument } from '../model/document';
import { useEditor, useServices } from '../shell/editor';
import { nodeTitle } from './use';

/** drivingSource is the source of which a preview of a node reads some records only: that above the first input of each. */
export function drivingSource(doc: FlowDocument, node: string, catalogue: Catalogue): string {
  const seen = new Set<string>();
  for (let at = node; !seen.has(at); ) {
    seen.add(at);
    const here = nodeOf(doc, at);
    const into = edgesInto(doc, at);
    if (!here || into.length === 0) return at;
    const first = portsOf(doc, here, catalogue).inputs.find((port) => into.some((e) => e.to.port === port.name));
    at = into.find((e) => e.to.port === first?.name)!.from.node;
  }
  return node; // the edges run in a circle: the server says so
}

const titles = { first: 'First records', random: 'At random', where: 'Where …' } as const;
type Mode = keyof typeof titles;

/** SampleChoice chooses which records of a source previews read. It is part of the view, not of the flow. */
export function SampleChoice({ node }: { node: string }): ReactNode {
  const { editor } = useServices();
  const document = useEditor((s) => s.document);
  const catalogue = useEditor((s) => s.catalogue);
  const samples = useEditor((s) => s.samples);
  const source = drivingSource(document, node, catalogue);
  const chosen = samples[source];
  const [asking, setAsking] = useState(false); // where was chosen, and no condition yet
  useEffect(() => setAsking(false), [source]);
  const mode = asking ? 'where' : ((chosen?.mode ?? 'first') as Mode);
  const set = (next: SampleMode | undefined) => {
    const { [source]: _, ...others } = editor.state.samples;
    editor.set({ samples: next ? { ...others, [source]: next } : others });
  };
  const choose = (next: Mode) => {
    setAsking(next === 'where');
    if (next === 'first') set(undefined);
    if (next === 'random') set({ mode: next, seed: 1 });
  };
  const name = nodeTitle(document, source);
  return (
    <div className="preview-sample" role="group" aria-label={`Records of ${name} that previews read`}>
      <select aria-label={`Records of ${name}`} value={mode} onChange={(e) => choose(e.target.value as Mode)}>
        {Object.entries(titles).map(([value, title]) => <option key={value} value={value}>{title}</option>)}
      </select>
      {mode === 'where' && <Condition key={source} name={name} value={chosen?.where ?? ''} onApply={(where) => { set({ mode: 'where', where }); setAsking(false); }} />}
      {mode === 'random' && <button type="button" className="icon-button preview-again" aria-label="Draw other records" title="Draw other records" onClick={() => set({ mode: 'random', seed: (chosen?.seed ?? 1) + 1 })}><Dices size={14} aria-hidden="true" /></button>}
    </div>
  );
}

function Condition({ name, value, onApply }: { name: string; value: string; onApply(where: string): void }): ReactNode {
  const [text, setText] = useState(value);
  const help = useId();
  const apply = () => text.trim() !== '' && text !== value && onApply(text.trim());
  return (
    <>
      <input className="preview-where" aria-label={`Condition over the records of ${name}`} aria-describedby={help} placeholder="status = 'paid'" spellCheck={false} autoFocus={value === ''} value={text}
        onChange={(e) => setText(e.target.value)} onBlur={apply} onKeyDown={(e) => e.key === 'Enter' && apply()} />
      <span id={help} className="visually-hidden">Press Enter to read the first records that meet the condition.</span>
    </>
  );
}

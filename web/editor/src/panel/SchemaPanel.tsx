import type { ReactNode } from 'react';
import { useEditor, useServices } from '../shell/editor';
import { FieldList } from './FieldList';
import './panel.css';
import { changesOf } from './schemaDifference';
import { schemasOf, useSelected } from './use';

/** SchemaPanel lists the fields at every port of the selected node. */
export function SchemaPanel(): ReactNode {
  const { editor } = useServices();
  const node = useSelected();
  useEditor((s) => s.check);
  useEditor((s) => s.document.edges);
  if (!node) return <p className="pad faint">Select a node to see its fields.</p>;
  const { inputs, outputs } = schemasOf(editor, node);
  const known = inputs.flatMap((i) => (i.fields ? [i.fields] : []));
  return (
    <div className="schema-panel">
      {inputs.map((p) => <FieldList key={`in-${p.port}`} title={`Input · ${p.title}`} fields={p.fields} unknown="Not connected, or not known yet." />)}
      {outputs.map((p) => {
        const changes = p.fields && p.port !== 'rejects' ? changesOf(known, p.fields) : undefined;
        const removed = changes ? known.flat().filter((f, i, all) => changes.removed.has(f.name) && all.findIndex((g) => g.name === f.name) === i) : [];
        return <FieldList key={`out-${p.port}`} title={`Output · ${p.title}`} fields={p.fields} changes={changes?.added} was={changes?.was} removed={removed} unknown="Not known until the settings are complete." />;
      })}
      {inputs.length + outputs.length === 0 && <p className="pad faint">This node has no ports.</p>}
    </div>
  );
}

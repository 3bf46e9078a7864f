import type { ChosenOperation, Operation } from '../api/types';
import type { FlowDocument, FlowNode } from '../model/document';

/** shown is how many operations are listed at once. */
export const shown = 200;

/** found are the operations that hold every word, in the order of the document, less those whose method the node does not send. */
export function found(items: readonly Operation[], search: string, records: boolean): { sent: Operation[]; left: number } {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = items.filter((o) => {
    const text = `${o.method} ${o.path} ${o.summary ?? ''} ${o.tag ?? ''}`.toLowerCase();
    return words.every((w) => text.includes(w));
  });
  const sent = records ? fitting.filter((o) => o.method === 'GET' || o.method === 'POST' || o.method === 'PUT') : fitting;
  return { sent, left: fitting.length - sent.length };
}

/** fill puts a chosen operation into the settings of a node, and its parameters into the flow, where there are none of their names. */
export function fill(doc: FlowDocument, node: FlowNode, chosen: ChosenOperation): void {
  const config = (node.config ??= {});
  for (const [name, value] of Object.entries(chosen.settings as Record<string, unknown>)) {
    if (value === null) delete config[name];
    else config[name] = value;
  }
  for (const p of chosen.parameters) {
    if (doc.parameters?.some((known) => known.name === p.name)) continue;
    (doc.parameters ??= []).push({ name: p.name, type: 'text', ...(p.default ? { default: p.default } : {}), ...(p.help ? { title: p.help } : {}) });
  }
}

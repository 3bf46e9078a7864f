import type { Field } from '../api/types';

export type Change = 'added' | 'removed' | 'changed';

/** changesOf compares what a node sends on with what arrives: fields added, removed, and of another type. */
export function changesOf(inputs: readonly (readonly Field[])[], output: readonly Field[]): { added: Map<string, Change>; removed: Map<string, Change>; was: Map<string, string> } {
  const before = new Map(inputs.flat().map((f) => [f.name, f.type]));
  const after = new Map(output.map((f) => [f.name, f.type]));
  const added = new Map<string, Change>();
  const removed = new Map<string, Change>();
  const was = new Map<string, string>();
  if (before.size === 0) return { added, removed, was };
  for (const [name, type] of after) {
    const old = before.get(name);
    if (old === undefined) added.set(name, 'added');
    else if (old !== type) {
      added.set(name, 'changed');
      was.set(name, old);
    }
  }
  for (const name of before.keys()) if (!after.has(name)) removed.set(name, 'removed');
  return { added, removed, was };
}

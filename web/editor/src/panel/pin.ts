// What is known of pinned records: which node begins with some, and whether they still have its fields.

import type { Field, Pin } from '../api/types';
import type { EditorState } from '../model/editor';

export function pinOf(state: EditorState, node: string): Pin | undefined {
  return state.pins.find((pin) => pin.node === node);
}

/** pinLook is how a node is pinned: with the fields that it has, with others, or not at all. What it has now may not be known. */
export function pinLook(state: EditorState, node: string): '' | 'pinned' | 'changed' {
  const pin = pinOf(state, node);
  if (!pin) return '';
  const other = pin.ports.some((port) => {
    const now = state.check.ports.get(`${node}.${port.port}`);
    return now !== undefined && fields(now) !== fields(port.schema ?? []);
  });
  return other ? 'changed' : 'pinned';
}

const fields = (schema: readonly Field[]) => JSON.stringify(schema.map((f) => [f.name, f.type]).sort());

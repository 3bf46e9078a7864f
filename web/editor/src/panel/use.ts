import { useEffect, useState } from 'react';
import type { FlowError } from '../api/types';
import { inputKeys, nodeOf, portsOf, titleOf, typeOf, type FlowDocument, type FlowNode } from '../model/document';
import type { Editor } from '../model/editor';
import { shallow, useEditor } from '../shell/editor';
import { reasonOf } from '../shell/session';
import type { NodeType } from '../api/types';

/** useSelected is the node that the panels are about: the one selected, else the one whose settings are open. */
export function useSelected(): FlowNode | null {
  return useEditor((s) => {
    const id = s.selection.size === 1 ? [...s.selection][0]! : (s.panel?.node ?? null);
    return id === null ? null : (nodeOf(s.document, id) ?? null);
  });
}

/** useProblemsOf are the problems of one node; the same list while they are the same. */
export function useProblemsOf(node: string): readonly FlowError[] {
  return useEditor((s) => s.check.problems.filter((p) => p.path?.node === node), shallow);
}

/** nodeTitle names a node of the document, or the id where it is gone. */
export function nodeTitle(doc: FlowDocument, id: string | undefined): string {
  const node = id === undefined ? undefined : nodeOf(doc, id);
  return node ? titleOf(node) : (id ?? 'The flow');
}

/** schemasOf are the schemas of a node's ports as the check knows them. */
export function schemasOf(editor: Editor, node: FlowNode) {
  const { document, catalogue } = editor.state;
  const { inputs, outputs } = portsOf(document, node, catalogue);
  const arrived = inputKeys(document, node.id);
  return {
    inputs: inputs.flatMap(({ name, title }) => {
      const here = arrived.filter(({ edge }) => edge.to.port === name);
      if (here.length === 0) return [{ port: name, title, fields: undefined }];
      return here.map(({ key, edge }) => ({ port: key, title: here.length > 1 ? nodeTitle(document, edge.from.node) : title, fields: editor.schemaOf(edge.from.node, edge.from.port) }));
    }),
    outputs: outputs.map(({ name, title }) => ({ port: name, title, fields: editor.schemaOf(node.id, name) })),
  };
}

export function useType(node: FlowNode | null): NodeType | undefined {
  return useEditor((s) => (node ? typeOf(s.catalogue, node.type) : undefined));
}

/** useLoaded asks the server when the key changes; a late answer to an old key is dropped. */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>): { value: T | null; reason: string | null; loading: boolean; again(): void } {
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<{ key: string; value: T | null; reason: string | null }>({ key: '', value: null, reason: null });
  useEffect(() => {
    const asking = new AbortController();
    load(asking.signal).then(
      (value) => asking.signal.aborted || setState({ key, value, reason: null }),
      (error: unknown) => asking.signal.aborted || setState({ key, value: null, reason: reasonOf(error) }),
    );
    return () => asking.abort();
    // load is made anew by every render; the key says what it asks for
  }, [key, turn]);
  const online = useEditor((s) => !s.offline);
  useEffect(() => {
    if (online && state.reason !== null) setTurn(turn + 1);
  }, [online]);
  const mine = state.key === key;
  return { value: mine ? state.value : null, reason: mine ? state.reason : null, loading: !mine, again: () => setTurn(turn + 1) };
}

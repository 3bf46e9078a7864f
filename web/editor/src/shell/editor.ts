// What every part of the editor can reach: const { editor, client, live, session } = useServices(), and
// useEditor((state) => …) for what it shows. A selector answers parts of the state or plain values; one that builds
// something new every time needs `equal`.

import { createContext, useContext, useRef, useSyncExternalStore } from 'react';
import type { Client } from '../api/client';
import type { NodeStatus } from '../api/types';
import { sameState, type LiveStore } from '../live/store';
import type { Editor, EditorState } from '../model/editor';
import type { Session } from './session';
import type { View } from '../canvas/view';

export interface Services {
  editor: Editor;
  client: Client;
  live: LiveStore;
  session: Session;
  view: View; // the canvas: where it looks at
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error('there is no editor around this component');
  return services;
}

export function useEditor<T>(selector: (state: EditorState) => T, equal: (a: T, b: T) => boolean = Object.is): T {
  const { editor } = useServices();
  const last = useRef<{ value: T } | null>(null);
  return useSyncExternalStore(editor.subscribe, () => {
    const value = selector(editor.state);
    if (last.current && equal(last.current.value, value)) return last.current.value;
    last.current = { value };
    return value;
  });
}

/** useNodeStatus renders again when the node's state changes; its counts may be older than those on screen. */
export function useNodeStatus(node: string): NodeStatus | undefined {
  const { live } = useServices();
  const last = useRef<NodeStatus | undefined>(undefined);
  return useSyncExternalStore(
    (listener) => live.onState(node, listener),
    () => {
      const now = live.status(node);
      const before = last.current;
      const same = before && now && sameState(before, now);
      if (!same) last.current = now;
      return last.current;
    },
  );
}

/** useRunStates renders again when the state of any node or of the run changes. */
export function useRunStates(): number {
  const { live } = useServices();
  return useSyncExternalStore(live.onAny, () => live.version);
}

export function shallow<T extends object>(a: T, b: T): boolean {
  const keys = Object.keys(a) as (keyof T)[];
  return keys.length === Object.keys(b).length && keys.every((key) => Object.is(a[key], b[key]));
}

// What the connection of a node leads to: its tables, and the columns of the one that is chosen. The server keeps both
// for a while and says how old they are.

import { useEffect, useRef, useState } from 'react';
import { ApiError } from '../api/client';
import type { Column, Connection, ConnectionType, NodeType } from '../api/types';
import { membersOf, type Schema } from '../form/schema';
import { sentence } from '../form/problem';
import type { Discovered } from '../form/scope';
import type { FlowNode } from '../model/document';
import { useEditor, useServices } from '../shell/editor';
import { reasonOf } from '../shell/session';
import { schemasOf, useLoaded } from './use';

const typing = 400; // ms that a name stands still before its columns are asked for

interface Answer<T> {
  key: string;
  items: readonly T[];
  at?: string;
  reason?: string;
  code?: string;
  loading: boolean;
}

/** useDiscovered asks when the key changes; an empty key asks nothing. */
export function useDiscovered<T>(key: string, wait: number, ask: (fresh: boolean, signal: AbortSignal) => Promise<{ items: readonly T[]; at: string }>): Discovered<T> {
  const [turn, setTurn] = useState(0);
  const [answer, setAnswer] = useState<Answer<T>>({ key: '', items: [], loading: false });
  const asking = useRef<AbortController | null>(null);
  const fresh = useRef(false);
  useEffect(() => {
    if (key === '') return;
    const mine = new AbortController();
    const anew = fresh.current;
    asking.current = mine;
    fresh.current = false;
    setAnswer((a) => ({ ...(a.key === key ? a : { key, items: [] }), key, loading: true }));
    const timer = setTimeout(() => {
      if (mine.signal.aborted) return; // stopped before it was asked
      ask(anew, mine.signal).then(
        ({ items, at }) => mine.signal.aborted || setAnswer({ key, items, at, loading: false }),
        (error: unknown) => mine.signal.aborted || setAnswer({ key, items: [], reason: sentence(reasonOf(error)), ...(error instanceof ApiError ? { code: error.code } : {}), loading: false }),
      );
    }, anew ? 0 : wait);
    return () => {
      clearTimeout(timer);
      mine.abort();
    };
    // ask is made anew by every render; the key says what it asks for
  }, [key, turn]);
  const online = useEditor((s) => !s.offline);
  useEffect(() => {
    if (online && answer.reason !== undefined) setTurn((t) => t + 1);
  }, [online]);
  const { key: of, ...known } = answer;
  return {
    ...(of === key ? known : { items: [], loading: key !== '' }),
    refresh: () => {
      fresh.current = true;
      setTurn((t) => t + 1);
    },
    stop: () => {
      asking.current?.abort();
      setAnswer((a) => ({ ...a, loading: false, ...(a.at === undefined ? { reason: 'Stopped.' } : {}) }));
    },
  };
}

/** fitting are the types of connections that a setting takes: the one that it names, or those to databases. */
export function fitting(types: readonly ConnectionType[], system: string | undefined): readonly ConnectionType[] {
  return types.filter((t) => (system ? t.id === system : t.database));
}

/** useReach is what the connections of the project lead to; asked for only where the node has one. */
export function useReach(node: FlowNode, type: NodeType | undefined) {
  const { client, editor } = useServices();
  const members = membersOf((type?.schema ?? {}) as Schema);
  const asks = members.find((m) => m.widget === 'connection');
  const wanted = asks !== undefined;
  const system = asks?.schema['x-system'];
  const catalogue = useEditor((s) => s.catalogue);
  const systems = fitting(catalogue.connections ?? [], system);
  const fits = (c: Connection) => systems.some((t) => t.id === c.type);
  const { value, again } = useLoaded(wanted ? 'connections' : '', (signal) => (wanted ? client.connections(signal) : Promise.resolve({ items: [] })));
  const environment = useEditor((s) => s.environment);
  useEditor((s) => s.check);
  const chosen = value?.items.find((c) => c.name === node.config?.connection && (environment === '' || c.environment === environment));
  const ended = useEditor((s) => s.run?.endedAt); // a run may have made tables and columns
  const age = (fresh: boolean) => (fresh ? { fresh: 'true' } : ended ? { since: ended } : {});
  const tables = useDiscovered(chosen && fits(chosen) && !system ? `tables ${chosen.id} ${chosen.etag} ${ended}` : '', 0, (fresh, signal) => client.tables(chosen!.id, age(fresh), signal));
  const table = node.config?.from === 'query' ? '' : String(node.config?.table ?? '').trim();
  const columns = useDiscovered(chosen && !system && table !== '' ? `columns ${chosen.id} ${chosen.etag} ${ended} ${table}` : '', typing, (fresh, signal) => client.columns(chosen!.id, table, age(fresh), signal));
  const read = schemasOf(editor, node).outputs.find((o) => o.port === 'out')?.fields;
  // The columns of a query are those that the check has found.
  const ofQuery = node.config?.from === 'query' && read ? { ...columns, items: read.map((f): Column => ({ name: f.name, type: f.type, field: f.type })) } : columns;
  const connections = value?.items.filter(fits).filter((c, i, all) => (environment === '' || c.environment === environment) || !all.some((o) => o.name === c.name && o.environment === environment) && all.findIndex((o) => o.name === c.name) === i);
  return { connections, tables: value === null ? undefined : tables, columns: ofQuery, again };
}

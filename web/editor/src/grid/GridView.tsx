import { useEffect, useRef, type ReactNode } from 'react';
import { DataGrid, type GridCallbacks, type GridData, type Mark } from './DataGrid';
import type { BarFilter } from './filter';
import './grid.css';

interface Props extends GridCallbacks {
  label: string;
  data: GridData;
  marks?: ReadonlyMap<string, Mark>;
  filters?: readonly BarFilter[];
}

const none: readonly BarFilter[] = [];

/** GridView is the data grid inside React. */
export function GridView({ label, data, marks, filters = none, ...callbacks }: Props): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const grid = useRef<DataGrid | null>(null);
  const latest = useRef(callbacks);
  latest.current = callbacks;
  useEffect(() => {
    const made = new DataGrid(host.current!, label, {
      onFilter: (filter) => latest.current.onFilter?.(filter),
      onMenu: (column) => latest.current.onMenu?.(column),
      announce: (text) => latest.current.announce?.(text),
    });
    grid.current = made;
    return () => made.destroy();
  }, [label]);
  useEffect(() => grid.current?.setData(data, marks), [data, marks, label]);
  useEffect(() => grid.current?.setFilters(filters), [filters, label]);
  return <div ref={host} className="grid-host" />;
}

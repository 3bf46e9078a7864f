import { useEffect, useState, type ReactNode } from 'react';
import type { Column } from '../../api/types';
import { exact } from '../../live/number';
import { Combo, type Choice } from '../Combo';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm, type Discovered } from '../scope';
import { NamesWidget } from './field';
import { referencesIn } from '../../parameter/reference';

/** TableWidget names a table that the chosen connection reaches. Any name may be typed. */
export function TableWidget({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const { edit, seal, readOnly, tables, columns, config, parameters } = useForm();
  const set = (name: string, burst?: string) => edit(`Set ${member.title}`, (c) => put(c, member.path, name), burst);
  const nothing = !config.connection ? 'Choose a connection first' : (tables?.reason ?? (tables && !tables.loading ? 'It has no tables that its user may read' : 'Looking for tables…'));
  return (
    <div className="form-table">
      <Combo id={id} value={String(value ?? '')} readOnly={readOnly} invalid={invalid} describedBy={describedBy} placeholder={member.example} nothing={nothing} what="table"
        references={referencesIn(parameters)} choices={(tables?.items ?? []).map((t) => ({ value: t.name, detail: t.view ? 'view' : t.records ? `about ${exact(t.records)}` : '' }))}
        onType={(name) => set(name, member.path)} onChoose={(name) => set(name)} onBlur={seal} />
      {tables && Boolean(config.connection) && <Age what="Tables" of={tables} />}
      {columns && Boolean(value) && <Columns columns={columns} />}
    </div>
  );
}

/** since says how long ago a time was. */
export function since(at: string, now: number): string {
  const minutes = Math.floor((now - Date.parse(at)) / 60_000);
  if (minutes < 1) return 'just now';
  return minutes === 1 ? '1 minute ago' : `${minutes} minutes ago`;
}

/** Age tells how old a list is and asks for it again; while it is asked for, nobody has to wait. */
function Age<T>({ what, of }: { what: string; of: Discovered<T> }): ReactNode {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, [of.at]);
  const said = of.loading ? `Looking for ${what.toLowerCase()}…` : (of.reason ?? (of.at ? `${what} as they were ${since(of.at, now)}` : ''));
  return (
    <p className="form-age">
      <span role="status">{said}</span>
      {of.loading
        ? <button type="button" className="form-link" aria-label={`Stop looking for ${what.toLowerCase()}`} onClick={of.stop}>Stop</button>
        : <button type="button" className="form-link" aria-label={`Refresh the ${what.toLowerCase()}`} onClick={of.refresh}>Refresh</button>}
    </p>
  );
}

/** Columns shows what the chosen table has. */
function Columns({ columns }: { columns: Discovered<Column> }): ReactNode {
  const { items } = columns;
  const { config } = useForm();
  const planned = columns.code === 'database.no_table' && config.noTable === 'create'; // no reason to worry
  if (items.length === 0) return <Age what="Columns" of={planned ? { ...columns, reason: 'There is no such table yet: the run creates it.' } : columns} />;
  return (
    <details className="form-columns">
      <summary>{items.length === 1 ? '1 column' : `${items.length} columns`}</summary>
      <div className="form-columns-list" tabIndex={0} role="region" aria-label="Columns of the table">
        <table>
          <thead><tr><th scope="col">Column</th><th scope="col">Type</th><th scope="col">Null</th></tr></thead>
          <tbody>
            {items.map((c) => (
              <tr key={c.name}><td>{c.name}</td><td>{c.type}</td><td>{c.key ? 'key' : c.nullable ? 'nullable' : 'not null'}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
      <Age what="Columns" of={columns} />
    </details>
  );
}

function useColumns(): { choices: Choice[]; nothing: string } {
  const { columns, config } = useForm();
  const nothing = !config.table && config.from !== 'query' ? 'Choose a table first' : columns?.loading ? 'Looking for columns…' : (columns?.reason ?? 'The columns are not known yet');
  return { choices: (columns?.items ?? []).map((c) => ({ value: c.name, detail: c.key ? `${c.type} · key` : c.type })), nothing };
}

/** ColumnWidget names a column of the node's table. Any name may be typed: a load can create it. */
export function ColumnWidget({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const { edit, seal, readOnly } = useForm();
  const set = (name: string, burst?: string) => edit(`Set ${member.title}`, (config) => put(config, member.path, name), burst);
  return (
    <Combo id={id} value={String(value ?? '')} readOnly={readOnly} invalid={invalid} describedBy={describedBy} placeholder={member.example || 'Choose a column'} what="column" {...useColumns()}
      onType={(name) => set(name, member.path)} onChoose={(name) => set(name)} onBlur={seal} />
  );
}

/** ColumnNamesWidget collects columns of the node's table. */
export function ColumnNamesWidget(props: WidgetProps): ReactNode {
  return <NamesWidget {...props} what="column" {...useColumns()} />;
}

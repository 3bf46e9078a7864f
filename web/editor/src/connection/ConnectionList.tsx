import { useEffect, useState, type ReactNode } from 'react';
import type { Client } from '../api/client';
import type { Catalogue, Connection } from '../api/types';
import { sentence } from '../form/problem';
import { reasonOf } from '../shell/session';
import { ConnectionDialog } from './ConnectionDialog';

/** ConnectionList is the page of the connections. */
export function ConnectionList({ client, catalogue }: { client: Client; catalogue: Catalogue }): ReactNode {
  const [list, setList] = useState<readonly Connection[] | null>(null);
  const [reason, setReason] = useState('');
  const [open, setOpen] = useState<Connection | 'new' | null>(null);
  const [doomed, setDoomed] = useState<Connection | null>(null);
  const load = () => client.connections().then((page) => setList(page.items), (error: unknown) => setReason(reasonOf(error)));
  useEffect(() => void load(), []);
  const title = (type: string) => catalogue.connections?.find((t) => t.id === type)?.title ?? type;
  const remove = (c: Connection) => client.deleteConnection(c.id).then(load, (error: unknown) => setReason(reasonOf(error))).finally(() => setDoomed(null));
  return (
    <>
      <div className="head">
        <h1>Connections</h1>
        <div className="end"><button type="button" className="button primary" onClick={() => setOpen('new')}>New connection</button></div>
      </div>
      {reason && <p role="alert" className="connection-failed">{sentence(reason)}</p>}
      <div className="panel">
        {list?.length === 0 && <div className="none"><p>There is no connection yet. A connection is the address of a database, with what it takes to get in; flows use it by its name.</p></div>}
        {list && list.length > 0 && (
          <table>
            <caption className="visually-hidden">Connections by name</caption>
            <thead><tr><th scope="col">Name</th><th scope="col">System</th><th scope="col">Place</th><th scope="col">Changed</th><th scope="col"><span className="visually-hidden">Actions</span></th></tr></thead>
            <tbody>
              {list.map((c) => (
                <tr key={c.id}>
                  <td className="grow"><button type="button" className="link" onClick={() => setOpen(c)}>{c.name}</button></td>
                  <td>{title(c.type)}</td>
                  <td>{c.place}</td>
                  <td className="time">{new Date(c.updatedAt).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })} by {c.updatedBy}</td>
                  <td className="actions">
                    {doomed === c
                      ? <><span>Flows that use it will fail. </span><button type="button" className="button danger" autoFocus onClick={() => void remove(c)}>Delete for good</button> <button type="button" className="button" onClick={() => setDoomed(null)}>Keep</button></>
                      : <button type="button" className="button quiet" aria-label={`Delete ${c.name}`} onClick={() => setDoomed(c)}>Delete</button>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
      {open && <ConnectionDialog client={client} catalogue={catalogue} connection={open === 'new' ? null : open} onClose={() => setOpen(null)} onSaved={() => {
        setOpen(null);
        void load();
      }} />}
    </>
  );
}

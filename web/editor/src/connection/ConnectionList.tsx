import { useEffect, useState, type ReactNode } from 'react';
import type { Client } from '../api/client';
import type { Catalogue, Connection, Environment, SignIn } from '../api/types';
import { sentence } from '../form/problem';
import { meets, membersOf, type Schema } from '../form/schema';
import { reasonOf } from '../shell/session';
import { chosenEnvironment } from '../parameter/environment';
import { ConnectionDialog } from './ConnectionDialog';
import { EnvironmentsDialog } from './EnvironmentsDialog';

interface Opened {
  connection: Connection | null; // null: a new one
  name: string; // of the connection whose entry is made; '' where it is all new
  type: string;
}

/** ConnectionList is the page of the connections: where each leads in the environment that is chosen. */
export function ConnectionList({ client, catalogue }: { client: Client; catalogue: Catalogue }): ReactNode {
  const [list, setList] = useState<readonly Connection[] | null>(null);
  const [environments, setEnvironments] = useState<readonly Environment[]>([]);
  const [chosen, setChosen] = useState('');
  const [reason, setReason] = useState('');
  const [open, setOpen] = useState<Opened | null>(null);
  const [naming, setNaming] = useState(false);
  const [doomed, setDoomed] = useState<Connection | null>(null);
  const [signIns, setSignIns] = useState<Readonly<Record<string, SignIn>>>({}); // by connection, of those that somebody signs in to
  const failed = (error: unknown) => setReason(reasonOf(error));
  const load = () => client.connections().then((page) => setList(page.items), failed);
  const know = (items: readonly Environment[]) => {
    setEnvironments(items);
    setChosen((now) => (items.some((e) => e.name === now) ? now : chosenEnvironment(items)));
  };
  useEffect(() => {
    void load();
    void client.environments().then((answer) => know(answer.items), failed);
  }, []);
  useEffect(() => {
    let gone = false;
    for (const c of list ?? []) {
      const type = catalogue.connections?.find((t) => t.id === c.type);
      if (!type?.signInIf || !meets(type.signInIf, membersOf(type.schema as Schema), c.settings)) continue;
      void client.signedIn(c.id).then((state) => gone || setSignIns((now) => ({ ...now, [c.id]: state })), () => {}); // the dialog tells why
    }
    return () => { gone = true; };
  }, [client, catalogue, list]);
  const title = (type: string) => catalogue.connections?.find((t) => t.id === type)?.title ?? type;
  const remove = (c: Connection) => client.deleteConnection(c.id).then(load, failed).finally(() => setDoomed(null));
  const names = [...new Set(list?.map((c) => c.name))];
  const several = environments.length > 1;
  const entry = (name: string) => list?.find((c) => c.name === name && c.environment === chosen);
  const row = (name: string) => {
    const c = entry(name);
    const other = list!.find((o) => o.name === name)!;
    if (!c) {
      return (
        <tr key={name}>
          <td className="grow">{name}</td>
          <td>{title(other.type)}</td>
          <td colSpan={2} className="faint">Leads nowhere in {chosen}: flows that use it fail there.</td>
          <td className="actions"><button type="button" className="button" aria-label={`Set up ${name} in ${chosen}`} onClick={() => setOpen({ connection: null, name, type: other.type })}>Set up</button></td>
        </tr>
      );
    }
    return (
      <tr key={name}>
        <td className="grow"><button type="button" className="link" onClick={() => setOpen({ connection: c, name, type: c.type })}>{name}</button></td>
        <td>{title(c.type)}</td>
        <td>{c.place}<SignedOut state={signIns[c.id]} /></td>
        <td className="time">{new Date(c.updatedAt).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })} by {c.updatedBy}</td>
        <td className="actions">
          {doomed === c
            ? <><span>Flows that use it will fail{several ? ` in ${chosen}` : ''}. </span><button type="button" className="button danger" autoFocus onClick={() => void remove(c)}>Delete for good</button> <button type="button" className="button" onClick={() => setDoomed(null)}>Keep</button></>
            : <button type="button" className="button quiet" aria-label={`Delete ${name}`} onClick={() => setDoomed(c)}>Delete</button>}
        </td>
      </tr>
    );
  };
  return (
    <>
      <div className="head">
        <h1>Connections</h1>
        <div className="end">
          <button type="button" className="button" disabled={environments.length === 0} onClick={() => setNaming(true)}>Environments…</button>
          <button type="button" className="button primary" onClick={() => setOpen({ connection: null, name: '', type: '' })}>New connection</button>
        </div>
      </div>
      {reason && <p role="alert" className="connection-failed">{sentence(reason)}</p>}
      {several && <Tabs environments={environments} chosen={chosen} onChoose={setChosen} />}
      <div className="panel" {...(several ? { role: 'tabpanel', id: 'connection-entries', 'aria-labelledby': `environment-${chosen}` } : {})}>
        {list?.length === 0 && <div className="none"><p>There is no connection yet. A connection is the address of a database, with what it takes to get in; flows use it by its name.</p></div>}
        {list && list.length > 0 && (
          <table>
            <caption className="visually-hidden">Connections by name{several ? `, in ${chosen}` : ''}</caption>
            <thead><tr><th scope="col">Name</th><th scope="col">System</th><th scope="col">Place</th><th scope="col">Changed</th><th scope="col"><span className="visually-hidden">Actions</span></th></tr></thead>
            <tbody>{names.map(row)}</tbody>
          </table>
        )}
      </div>
      {naming && <EnvironmentsDialog client={client} environments={environments} onClose={() => setNaming(false)} onSaved={(items) => {
        setNaming(false);
        know(items);
      }} />}
      {open && <ConnectionDialog client={client} catalogue={catalogue} connection={open.connection} name={open.name} type={open.type} environment={several ? chosen : ''} onClose={() => setOpen(null)} onSaved={() => {
        setOpen(null);
        void load();
      }} />}
    </>
  );
}

/** SignedOut says that flows cannot use a connection until somebody signs in. */
function SignedOut({ state }: { state: SignIn | undefined }): ReactNode {
  if (!state || (state.at && !state.lost && (state.renews || !state.until || new Date(state.until) > new Date()))) return null;
  return <span className="connection-failed connection-signed-out"><span aria-hidden="true">✕</span> {state.at ? 'Signed out' : 'Nobody has signed in'}</span>;
}

/** Tabs choose the environment: with arrows, as tabs are. */
function Tabs({ environments, chosen, onChoose }: { environments: readonly Environment[]; chosen: string; onChoose(name: string): void }): ReactNode {
  const step = (by: number) => {
    const at = environments.findIndex((e) => e.name === chosen);
    const next = environments[(at + by + environments.length) % environments.length]!.name;
    onChoose(next);
    document.getElementById(`environment-${next}`)?.focus();
  };
  return (
    <div className="environment-tabs" role="tablist" aria-label="Environment">
      {environments.map((e) => (
        <button key={e.name} id={`environment-${e.name}`} type="button" role="tab" aria-selected={e.name === chosen} aria-controls="connection-entries" tabIndex={e.name === chosen ? 0 : -1}
          onClick={() => onChoose(e.name)} onKeyDown={(event) => (event.key === 'ArrowRight' ? step(1) : event.key === 'ArrowLeft' ? step(-1) : undefined)}>
          {e.name}{e.default && <span className="faint"> · default</span>}
        </button>
      ))}
    </div>
  );
}

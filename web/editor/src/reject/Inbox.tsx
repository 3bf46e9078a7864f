import { useCallback, useEffect, useState, type ReactNode } from 'react';
import type { Client, RejectQuery } from '../api/client';
import type { RejectGroup } from '../api/types';
import { sentence } from '../form/problem';
import { exact } from '../live/number';
import { reasonOf } from '../shell/session';
import { Group } from './Group';
import { addressOf, isGroup, usePlace } from './place';
import './reject.css';

const states = [['', 'Open'], ['replaying', 'Being replayed'], ['replayed', 'Replayed'], ['discarded', 'Discarded'], ['held', 'Of runs that did not commit']] as const;

/** Inbox is the page of the records that nodes refused. */
export function Inbox({ client }: { client: Client }): ReactNode {
  const [place, go] = usePlace();
  const [groups, setGroups] = useState<{ items: RejectGroup[]; next: string } | null>(null);
  const [reason, setReason] = useState('');
  const [asked, again] = useState(0);
  const { flow, node, run, text, state } = place;
  useEffect(() => {
    const asking = new AbortController();
    client.rejectGroups({ flow, node, run, text, state, limit: 200 } as RejectQuery, asking.signal).then(
      (page) => { setGroups({ items: page.items, next: page.next ?? '' }); setReason(''); },
      (error: unknown) => asking.signal.aborted || setReason(reasonOf(error)),
    );
    return () => asking.abort();
  }, [client, flow, node, run, text, state, asked]);
  const titles = useTitles(client, groups?.items);
  const changed = useCallback(() => {
    again((n) => n + 1);
    void client.openRejects().then(showCount, () => {});
  }, [client]);
  const group = isGroup(place) ? groups?.items.find((g) => g.flow === place.flow && g.node === place.node && g.code === place.code && (g.field ?? '') === place.field) : undefined;
  return (
    <>
      <div className="head">
        <h1>Rejects</h1>
        <Filters place={place} groups={groups?.items ?? []} titles={titles} onChange={(to) => go(to, true)} />
      </div>
      {reason && <p role="alert" className="reject-failed">The rejects could not be read. {sentence(reason)} <button type="button" className="button" onClick={changed}>Try again</button></p>}
      {isGroup(place)
        ? <Group key={addressOf(place)} client={client} place={place} group={group} titles={titlesOf(titles, place.flow!)} onBack={() => go({ ...without(place) })} onChanged={changed} />
        : groups && <Groups groups={groups.items} more={groups.next !== ''} place={place} titles={titles} onOpen={(g) => go({ ...place, flow: g.flow, node: g.node, code: g.code, field: g.field ?? '' })} />}
    </>
  );
}

/** without is the place of the groups around a group. */
function without(place: RejectQuery): RejectQuery {
  const rest = { ...place };
  delete rest.code;
  delete rest.field;
  delete rest.node;
  delete rest.flow;
  return rest;
}

/** showCount puts the number of open rejects into the navigation, which the server has rendered. */
function showCount({ count }: { count: number }): void {
  const badge = document.querySelector<HTMLElement>('[data-rejects]');
  if (!badge) return;
  badge.hidden = count === 0;
  badge.title = `${exact(count)} are open`;
  badge.firstChild!.textContent = exact(count);
}

function Filters({ place, groups, titles, onChange }: { place: RejectQuery; groups: readonly RejectGroup[]; titles: Record<string, string>; onChange(to: RejectQuery): void }): ReactNode {
  const [text, setText] = useState(place.text ?? '');
  useEffect(() => setText(place.text ?? ''), [place.text]);
  const names = new Map(groups.map((g) => [g.flow, g.flowName || 'Untitled flow']));
  if (place.flow && !names.has(place.flow)) names.set(place.flow, 'This flow');
  return (
    <form className="end" role="search" onSubmit={(e) => { e.preventDefault(); onChange({ ...place, text }); }}>
      {place.run && <span className="reject-chip"><a href={`/runs/${place.run}`}>One run</a><button type="button" aria-label="Of all runs" title="Of all runs" onClick={() => onChange({ ...place, run: '' })}>×</button></span>}
      {place.node && !isGroup(place) && <span className="reject-chip">{titles[`${place.flow} ${place.node}`] ?? place.node}<button type="button" aria-label="Of all nodes" title="Of all nodes" onClick={() => onChange({ ...place, node: '' })}>×</button></span>}
      {!isGroup(place) && (
        <label><span className="visually-hidden">Flow</span>
          <select className="field" value={place.flow ?? ''} onChange={(e) => onChange({ ...place, flow: e.target.value, node: '' })}>
            <option value="">All flows</option>
            {[...names].map(([id, name]) => <option key={id} value={id}>{name}</option>)}
          </select>
        </label>
      )}
      <label><span className="visually-hidden">State</span>
        <select className="field" value={place.state ?? ''} onChange={(e) => onChange({ ...place, state: e.target.value })}>
          {states.map(([value, title]) => <option key={value} value={value}>{title}</option>)}
        </select>
      </label>
      <label className="search"><span className="visually-hidden">Search in records and reasons</span>
        <input className="field reject-search" type="search" placeholder="Search in records and reasons" value={text} onChange={(e) => setText(e.target.value)} />
      </label>
      <button type="submit" className="button">Search</button>
    </form>
  );
}

function Groups({ groups, more, place, titles, onOpen }: { groups: readonly RejectGroup[]; more: boolean; place: RejectQuery; titles: Record<string, string>; onOpen(g: RejectGroup): void }): ReactNode {
  if (groups.length === 0) return <div className="panel"><Nothing place={place} /></div>;
  const newest = [...groups].sort((a, b) => (a.last < b.last ? 1 : -1));
  return (
    <>
      <div className="panel" tabIndex={0} role="region" aria-label="Groups of rejects">
        <table className="reject-groups">
          <caption className="visually-hidden">Refused records by flow, node, reason and field, last ones first</caption>
          <thead><tr><th scope="col">Reason</th><th scope="col">Flow</th><th scope="col">Node</th><th scope="col">Field</th><th scope="col" className="number">Records</th><th scope="col">First</th><th scope="col">Last</th></tr></thead>
          <tbody>
            {newest.map((g) => (
              <tr key={`${g.flow} ${g.node} ${g.code} ${g.field ?? ''}`}>
                <td className="grow"><button type="button" className="link" title={g.reason} onClick={() => onOpen(g)}>{sentence(g.reason || g.code)}</button> <span className="reject-code">{g.code}</span></td>
                <td className="reject-name"><a href={`/flows/${g.flow}`}>{g.flowName || 'Untitled flow'}</a></td>
                <td className="reject-name">{titles[`${g.flow} ${g.node}`] ?? g.node}</td>
                <td className="reject-name">{g.field && <code>{g.field}</code>}</td>
                <td className="number">{exact(g.count)}</td>
                <td className="time">{moment(g.first)}</td>
                <td className="time">{moment(g.last)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more && <p className="faint">There are more groups: choose a flow, or search.</p>}
    </>
  );
}

function Nothing({ place }: { place: RejectQuery }): ReactNode {
  const narrowed = place.flow || place.run || place.text || place.node;
  if (place.state || narrowed) {
    return (
      <div className="none">
        <p>No reject is like that.{place.run && !place.state && ' Those of a run that did not commit are not open: running again refuses them again.'}</p>
        {place.run && !place.state && <a href={addressOf({ run: place.run, state: 'held' })}>Show those of the run</a>}
        <a href="/rejects">Show all that are open</a>
      </div>
    );
  }
  return (
    <div className="none">
      <p>No reject waits for anybody.</p>
      <p className="faint">A record that a node refuses comes here once its run has committed, if the node’s policy is “Store it as a reject”. Elsewhere this is called a dead letter queue.</p>
    </div>
  );
}

/** titlesOf are those of one flow, by node. */
function titlesOf(titles: Record<string, string>, flow: string): Record<string, string> {
  return Object.fromEntries(Object.entries(titles).filter(([key]) => key.startsWith(`${flow} `)).map(([key, title]) => [key.slice(flow.length + 1), title]));
}

export function moment(time: string): string {
  return new Date(time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}

/** useTitles are the names that the nodes of these groups have in the drafts of their flows, by flow and node. */
function useTitles(client: Client, groups: readonly RejectGroup[] | undefined): Record<string, string> {
  const [titles, setTitles] = useState<Record<string, string>>({});
  const wanted = [...new Set(groups?.map((g) => g.flow))].slice(0, 50).join(' ');
  useEffect(() => {
    const asking = new AbortController();
    for (const id of wanted.split(' ').filter(Boolean)) {
      client.flow(id, asking.signal).then((flow) => {
        const nodes = (flow.document as { nodes?: { id: string; name?: string }[] }).nodes ?? [];
        setTitles((now) => ({ ...now, ...Object.fromEntries(nodes.map((n) => [`${id} ${n.id}`, n.name || n.id])) }));
      }, () => {}); // of a deleted flow: its ids have to do
    }
    return () => asking.abort();
  }, [client, wanted]);
  return titles;
}

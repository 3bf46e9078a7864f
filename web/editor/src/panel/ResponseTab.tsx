import { useMemo, useState, type ReactNode } from 'react';
import { exactParse } from '../api/exact';
import type { Answer } from '../api/types';
import { sentence } from '../form/problem';
import { duration, exact } from '../live/number';
import type { FlowNode } from '../model/document';
import { useEditor, useServices } from '../shell/editor';
import { useAnswer } from './FetchField';

/** Settings of a node that take a path into the answer, and the paging that goes with them. */
const uses = [
  { member: 'recordPath', title: 'Record path', list: true },
  { member: 'cursorPath', title: 'Cursor', paging: 'cursor' },
  { member: 'nextPath', title: 'Next page', paging: 'next' },
  { member: 'totalPath', title: 'Total' },
  { member: 'morePath', title: 'More' },
] as const;

/** ResponseTab shows what the API answered; a value of the tree is chosen for a setting. */
export function ResponseTab({ node }: { node: FlowNode }): ReactNode {
  const { answer, reason } = useAnswer(node.id);
  if (reason) return <p className="form-problem" data-severity="error"><span aria-hidden="true">✕</span>{sentence(reason)}</p>;
  if (!answer) return <p className="faint">No sample has been fetched yet. Fetch sample, in the settings, calls the API once.</p>;
  if (answer.calls) return <Calls answer={answer} />;
  return (
    <div className="response">
      <p className="response-line"><span className={`badge ${answer.status < 300 ? 'state-succeeded' : 'state-failed'}`}>{answer.status} {answer.statusText}</span> {duration(answer.took / 1e6)} · {exact(answer.bytes)} bytes{answer.cut && ' · shortened'}</p>
      <p className="response-request">{answer.request}</p>
      <details><summary>{answer.headers.length} headers</summary>
        <dl className="response-headers">{answer.headers.map((h, i) => <div key={i}><dt>{h.name}</dt><dd>{h.value}</dd></div>)}</dl>
      </details>
      <Body node={node} answer={answer} />
    </div>
  );
}

/** Calls shows what was sent for records, and what came back. */
function Calls({ answer }: { answer: Answer }): ReactNode {
  return (
    <ol className="response response-calls">
      {answer.calls?.map((c, i) => (
        <li key={i}>
          <p className="response-line"><span className={`badge ${c.error ? 'state-failed' : 'state-succeeded'}`}>{c.status ?? 'no answer'}</span> {duration(c.tookMs)}</p>
          <p className="response-request">{c.request || c.error}</p>
          {c.body && <pre className="response-text" tabIndex={0} aria-label={`Answer ${i + 1}`}>{c.body.slice(0, 2_000)}</pre>}
        </li>
      ))}
    </ol>
  );
}

function Body({ node, answer }: { node: FlowNode; answer: Answer }): ReactNode {
  const { editor } = useServices();
  const readOnly = useEditor((s) => s.readOnly);
  const [chosen, setChosen] = useState<{ path: string; list: boolean } | null>(null);
  const value = useMemo(() => {
    try {
      return { json: exactParse(answer.body) };
    } catch {
      return null;
    }
  }, [answer.body]);
  if (!value || node.config?.['format'] === 'csv' || node.config?.['format'] === 'jsonl') return <pre className="response-text" tabIndex={0} aria-label="Answer">{answer.body.slice(0, 20_000)}</pre>;
  const use = (member: string, title: string, paging?: string) => {
    if (!chosen) return;
    editor.config(node.id, `Set ${title.toLowerCase()}`, (config) => {
      config[member] = chosen.path;
      if (paging) config['paging'] = paging;
    });
    editor.seal();
    editor.announce(`${title}: ${chosen.path || 'the whole answer'}`);
  };
  return (
    <>
      <div className="response-use" role="toolbar" aria-label="Use the value as">
        <span className="response-path">{chosen ? chosen.path || 'the whole answer' : 'Choose a value of the answer'}</span>
        {chosen && !readOnly && uses.filter((u) => ('list' in u) === chosen.list).map((u) => (
          <button key={u.member} type="button" className="form-button" onClick={() => use(u.member, u.title, 'paging' in u ? u.paging : undefined)}>{u.title}</button>
        ))}
      </div>
      <ul className="response-tree"><Value name="answer" path="" value={value.json} depth={0} chosen={chosen?.path ?? null} choose={(path, list) => setChosen({ path, list })} marks={marksOf(node)} /></ul>
    </>
  );
}

function marksOf(node: FlowNode): ReadonlyMap<string, string> {
  return new Map(uses.map((u) => [u.member === 'recordPath' ? String(node.config?.[u.member] ?? '') : String(node.config?.[u.member] ?? '\u0000'), u.title] as const));
}

interface ValueProps {
  name: string;
  path: string;
  value: unknown;
  depth: number;
  chosen: string | null;
  choose(path: string, list: boolean): void;
  marks: ReadonlyMap<string, string>;
}

const shown = 3; // elements of a list

/** Value is a part of the answer with what is inside of it. */
function Value(props: ValueProps): ReactNode {
  const { name, path, value, depth, chosen, choose, marks } = props;
  const [open, setOpen] = useState(depth < 4 && !/\[[1-9]\d*\]$/.test(path)); // of a list the first element
  const list = Array.isArray(value);
  const inside = childrenOf(value, path);
  const mark = marks.get(path);
  const label = (
    <button type="button" className="response-value" aria-pressed={chosen === path} onClick={() => choose(path, inside !== null)}>
      <span className="response-name">{name}</span> <span className="response-text-value">{textOf(value)}</span>{mark && <span className="badge state-running">{mark}</span>}
    </button>
  );
  if (inside === null) return <li className="response-leaf">{label}</li>;
  return (
    <li>
      <button type="button" className="response-fold" aria-expanded={open} aria-label={`Parts of ${name}`} onClick={() => setOpen(!open)}><span aria-hidden="true">{open ? '▾' : '▸'}</span></button>
      {label}
      {open && (
        <ul>
          {inside.slice(0, list ? shown : 200).map((c) => <Value key={c.name} {...props} name={c.name} path={c.path} value={c.value} depth={depth + 1} />)}
          {list && inside.length > shown && <li className="response-leaf faint">{exact(inside.length - shown)} more</li>}
        </ul>
      )}
    </li>
  );
}

function childrenOf(value: unknown, path: string): { name: string; path: string; value: unknown }[] | null {
  if (Array.isArray(value)) return value.map((v: unknown, i) => ({ name: `[${i}]`, path: `${path}[${i}]`, value: v }));
  if (typeof value !== 'object' || value === null || 'rawJSON' in value) return null;
  return Object.entries(value).map(([name, v]) => ({ name, path: memberPath(path, name), value: v }));
}

/** memberPath is the path of a member as the server reads it. */
export function memberPath(path: string, name: string): string {
  if (/^[^.[\]$"'\s]+$/.test(name)) return path === '' ? name : `${path}.${name}`;
  return name.includes('"') ? `${path}['${name}']` : `${path}["${name}"]`;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `list of ${exact(value.length)}`;
  if (typeof value === 'object' && value !== null && 'rawJSON' in value) return String(value.rawJSON);
  if (typeof value === 'object' && value !== null) return '{…}';
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

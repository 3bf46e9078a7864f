import { useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { FileEntry } from '../api/types';
import { sentence } from '../form/problem';
import { useLoaded } from '../panel/use';
import { useServices } from '../shell/editor';
import { Dialog } from './Dialog';
import { sendTo, UploadQueue } from './queue';
import { inFolder, sizeOf } from './send';
import { UploadList } from './UploadList';

interface Props {
  path: string; // what is set; the picker begins in its folder
  sink: boolean; // a new name may be written
  onChoose(path: string): void;
  onClose(): void;
}

/** folderOf is the folder of a path or pattern. */
export function folderOf(path: string): string {
  const plain = path.split(/[*?$]/, 1)[0]!;
  const at = plain.lastIndexOf('/');
  return at < 0 ? '' : plain.slice(0, at);
}

/** crumbsOf are the folders on the way to a path, the root first. */
export function crumbsOf(path: string): { name: string; path: string }[] {
  const parts = path.split('/').filter(Boolean);
  return [{ name: 'Data folders', path: '' }, ...parts.map((name, i) => ({ name, path: parts.slice(0, i + 1).join('/') }))];
}

/** sortedEntries puts folders first, each by name as people count: a2 before a10. */
export function sortedEntries(entries: readonly FileEntry[], search: string): FileEntry[] {
  const wanted = search.trim().toLowerCase();
  return entries
    .filter((e) => e.name.toLowerCase().includes(wanted))
    .sort((a, b) => Number(b.folder ?? false) - Number(a.folder ?? false) || a.name.localeCompare(b.name, undefined, { numeric: true }));
}

/** FilePicker chooses a file below the data folders, or uploads one into them. */
export function FilePicker({ path, sink, onChoose, onClose }: Props): ReactNode {
  const { client } = useServices();
  const [folder, setFolder] = useState(() => folderOf(path));
  const [search, setSearch] = useState('');
  const [typed, setTyped] = useState(sink ? (path.split('/').pop() ?? '') : path);
  const picked = useRef<HTMLInputElement>(null);
  const { value, reason, again } = useLoaded(folder, (signal) => client.files(folder, signal));
  const queue = useMemo(() => new UploadQueue(sendTo(client), () => again()), [client, folder]);
  const entries = sortedEntries(value?.entries ?? [], search);
  const open = (entry: FileEntry) => {
    if (!entry.folder) return sink ? setTyped(entry.name) : onChoose(entry.path);
    setFolder(entry.path);
    setSearch('');
  };
  const finish = () => {
    const name = typed.trim();
    if (name) onChoose(sink ? inFolder(folder, name) : name);
  };
  return (
    <Dialog title={sink ? 'Choose where to write' : 'Choose a file'} onClose={onClose}>
      <div className="picker-bar">
        <nav aria-label="Folder" className="crumbs">
          {crumbsOf(folder).map((c, i, all) => (
            <span key={c.path}>{i > 0 && <span aria-hidden="true"> / </span>}
              {i === all.length - 1 ? <strong aria-current="location">{c.name}</strong> : <button type="button" className="link" onClick={() => setFolder(c.path)}>{c.name}</button>}
            </span>
          ))}
        </nav>
        <input className="form-input picker-search" type="search" aria-label="Search in this folder" placeholder="Search" value={search} onChange={(e) => setSearch(e.target.value)} />
        {!sink && (
          <>
            <button type="button" className="form-button" onClick={() => picked.current?.click()}>Upload…</button>
            <input ref={picked} type="file" multiple hidden onChange={(e) => {
              queue.add([...(e.target.files ?? [])], folder);
              e.target.value = '';
            }} />
          </>
        )}
      </div>
      <Entries entries={entries} onOpen={open} onUp={value?.parent === undefined ? undefined : () => setFolder(value.parent ?? '')} />
      {reason && <p className="form-problem" data-severity="error"><span aria-hidden="true">✕</span>{sentence(reason)}</p>}
      {value && entries.length === 0 && <p className="faint picker-none">{search ? 'Nothing here has that name.' : 'This folder is empty.'}</p>}
      <UploadList queue={queue} />
      <div className="file-dialog-foot">
        <label className="picker-typed">{sink ? 'Name' : 'Path'}
          <input className="form-input" value={typed} spellCheck={false} placeholder={sink ? 'orders.parquet' : 'orders/*.csv'} onChange={(e) => setTyped(e.target.value)}
            onKeyDown={(e) => e.key === 'Enter' && finish()} />
        </label>
        <p className="form-help">{sink ? 'The ending says the format: .csv, .json, .jsonl or .parquet.' : 'Patterns read several files: * and ? stand for a part of a name, ** for any folders.'}</p>
        <button type="button" className="form-button" onClick={onClose}>Cancel</button>
        <button type="button" className="form-button primary" disabled={!typed.trim()} onClick={finish}>Choose</button>
      </div>
    </Dialog>
  );
}

interface EntriesProps {
  entries: readonly FileEntry[];
  onOpen(entry: FileEntry): void;
  onUp: (() => void) | undefined;
}

function Entries({ entries, onOpen, onUp }: EntriesProps): ReactNode {
  const list = useRef<HTMLUListElement>(null);
  const key = (e: KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll('button') ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[e.key];
    if (e.key === 'Backspace' && onUp) onUp();
    else if (to !== undefined) buttons[Math.min(buttons.length - 1, Math.max(0, to))]?.focus();
    else return;
    e.preventDefault();
  };
  return (
    <ul ref={list} className="entries" aria-label="Files and folders" onKeyDown={key}>
      {entries.map((entry) => (
        <li key={entry.path}>
          <button type="button" onClick={() => onOpen(entry)}>
            <span aria-hidden="true">{entry.folder ? '📁' : '📄'}</span>
            <span className="entry-name">{entry.name}{entry.folder && <span className="visually-hidden"> (folder)</span>}</span>
            <span className="entry-fact">{entry.folder ? '' : sizeOf(entry.size ?? 0)}</span>
            <span className="entry-fact">{entry.modTime ? new Date(entry.modTime).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }) : ''}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

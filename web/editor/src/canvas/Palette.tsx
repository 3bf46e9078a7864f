import { Search } from 'lucide-react';
import { useMemo, useState, type KeyboardEvent } from 'react';
import type { NodeType } from '../api/types';
import { freeOutput, typeFits } from '../model/connect';
import { addAfter } from '../model/operation';
import { useEditor, useServices } from '../shell/editor';
import { dragType } from './Canvas';
import { TypeIcon } from './Icon';
import { recent, remember } from './recent';
import { searchTypes } from './search';

interface Entry {
  type: NodeType;
  match: string;
  reason: string | null; // why it does not fit after the selected node
}

interface Section {
  title: string;
  entries: Entry[];
}

const categories: readonly [string, string][] = [
  ['source', 'Input'], ['transform', 'Transform'], ['combine', 'Combine'], ['quality', 'Quality'], ['control', 'Control'], ['code', 'Code'], ['output', 'Output'], ['notify', 'Notify'],
];

export function Palette() {
  const services = useServices();
  const { editor, view } = services;
  const [query, setQuery] = useState('');
  const [used, setUsed] = useState(recent);
  const catalogue = useEditor((s) => s.catalogue);
  const after = useEditor((s) => {
    const id = s.selection.size === 1 ? [...s.selection][0]! : null;
    return id !== null && freeOutput(s.document, s.catalogue, id) !== undefined;
  });
  const sections = useMemo(() => sectionsOf(catalogue.nodes, query, used, after), [catalogue, query, used, after]);
  const add = (type: NodeType) => {
    remember(type.id);
    setUsed(recent());
    const id = addAfter(editor, type, view.middle());
    if (id) view.reveal(id);
  };
  return (
    <section className="palette" aria-label="Nodes" onKeyDown={(event) => walkList(event)}>
      <label className="palette-search">
        <Search size={16} aria-hidden="true" />
        <input
          type="search"
          aria-label="Search nodes"
          placeholder="Search nodes"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            const first = sections[0]?.entries[0];
            if (event.key === 'Enter' && first) add(first.type);
            if (event.key === 'Escape' && query) {
              event.stopPropagation();
              setQuery('');
            }
          }}
        />
      </label>
      <div className="palette-list">
        {sections.map((section, s) => (
          <div key={section.title} role="group" aria-label={section.title}>
            <h2>{section.title}</h2>
            {section.entries.map((entry, i) => (
              <button
                key={entry.type.id}
                type="button"
                tabIndex={s + i === 0 ? 0 : -1} // the arrow keys lead to the others
                className={entry.reason ? 'palette-item unfit' : 'palette-item'}
                title={entry.type.summary}
                draggable
                onDragStart={(event) => {
                  event.dataTransfer.setData(dragType, entry.type.id);
                  event.dataTransfer.effectAllowed = 'copy';
                  remember(entry.type.id);
                }}
                onClick={(event) => event.detail < 2 && add(entry.type)}
              >
                <TypeIcon type={entry.type} />
                <span className="palette-text">
                  <span>{entry.type.title}{entry.match && <span className="faint"> · {entry.match}</span>}</span>
                  {entry.reason && <span className="faint small">{entry.reason}</span>}
                </span>
              </button>
            ))}
          </div>
        ))}
        {sections.length === 0 && <p className="faint pad">No node is called “{query}”. Try a word for what it should do, such as “csv” or “group by”.</p>}
      </div>
    </section>
  );
}

function sectionsOf(types: readonly NodeType[], query: string, used: readonly string[], after: boolean): Section[] {
  const entry = (type: NodeType, match = ''): Entry => ({ type, match, reason: after ? typeFits(type, { side: 'out' }) : null });
  const order = (entries: Entry[]) => [...entries.filter((e) => e.reason === null), ...entries.filter((e) => e.reason !== null)];
  if (query.trim() !== '') {
    const found = order(searchTypes(types, query).map(({ type, match }) => entry(type, match)));
    return found.length > 0 ? [{ title: found.length === 1 ? '1 found' : `${found.length} found`, entries: found }] : [];
  }
  const byId = new Map(types.map((type) => [type.id, type]));
  const last = used.flatMap((id) => (byId.has(id) ? [entry(byId.get(id)!)] : []));
  const known = new Set(categories.map(([id]) => id));
  const rest = types.filter((type) => !known.has(type.category));
  const all: Section[] = [
    { title: 'Recent', entries: order(last) },
    ...categories.map(([id, title]) => ({ title, entries: order(types.filter((type) => type.category === id).map((type) => entry(type))) })),
    { title: 'Other', entries: rest.map((type) => entry(type)) },
  ];
  const filled = all.filter((section) => section.entries.length > 0);
  const unfit = (section: Section) => section.entries.every((e) => e.reason !== null);
  return [...filled.filter((section) => !unfit(section)), ...filled.filter(unfit)];
}

/** walkList moves between the search field and the entries with the arrow keys. */
function walkList(event: KeyboardEvent<HTMLElement>): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0) return;
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>('input, .palette-item')];
  const next = stops[stops.indexOf(document.activeElement as HTMLElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

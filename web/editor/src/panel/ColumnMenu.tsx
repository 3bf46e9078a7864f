import { useRef, type ReactNode } from 'react';
import type { Field } from '../api/types';
import { quoteName, quoteText } from '../expression/token';
import { familyOf } from '../form/type';
import type { BarFilter } from '../grid/filter';
import type { FieldStats } from '../grid/stats';
import { edgeKey, typeOf, type Config } from '../model/document';
import type { Editor } from '../model/editor';
import { addNode } from '../model/operation';
import { Menu, MenuItem } from '../shell/Menu';

export interface OpenMenu {
  name: string;
  type: string;
  stats: FieldStats;
  x: number;
  y: number;
  node: string;
  port: string;
  side: 'in' | 'out';
  schema: readonly Field[];
}

interface NewNode {
  type: string;
  label: string;
  config: Config;
  field: string; // setting that is opened
}

/** newNodes are the nodes that a column can be given to. */
export function newNodes(menu: Pick<OpenMenu, 'name' | 'type' | 'schema' | 'stats'>): NewNode[] {
  const { name, type, schema } = menu;
  const first = menu.stats.kind === 'values' && familyOf(type) === 'text' ? menu.stats.bars[0]?.label : undefined;
  const condition = first === undefined ? `${quoteName(name)} is not null` : `${quoteName(name)} = ${quoteText(first)}`;
  return [
    { type: 'filter', label: 'Filter by this field…', config: { condition }, field: 'condition' },
    { type: 'convert', label: 'Convert its type…', config: { fields: [{ name, type }] }, field: 'fields[0].type' },
    {
      type: 'select', label: 'Rename it…', field: `fields[${schema.findIndex((f) => f.name === name)}].as`,
      config: { fields: schema.map((f) => (f.name === name ? { name, as: `${name}_new` } : { name: f.name })), others: 'keep' },
    },
  ];
}

/** addFor adds a node to the port whose column was chosen: into its edge where there is exactly one. */
export function addFor(editor: Editor, menu: Pick<OpenMenu, 'node' | 'port' | 'side'>, node: NewNode): void {
  const { document, catalogue } = editor.state;
  const type = typeOf(catalogue, node.type);
  if (!type) return;
  const edges = document.edges.filter((e) => (menu.side === 'in' ? e.to : e.from).node === menu.node && (menu.side === 'in' ? e.to : e.from).port === menu.port);
  const edge = edges.length === 1 ? edgeKey(edges[0]!) : undefined;
  const from = menu.side === 'out' ? { node: menu.node, port: menu.port, side: 'out' as const } : undefined;
  const id = addNode(editor, type, { config: node.config, edge, from });
  if (id !== null) editor.openNode(id, node.field);
}

interface Props {
  menu: OpenMenu;
  editor: Editor;
  onFilter(filter: BarFilter): void;
  onClose(): void;
}

/** ColumnMenu offers what can be done with a column. */
export function ColumnMenu({ menu, editor, onFilter, onClose }: Props): ReactNode {
  const back = useRef(document.activeElement as HTMLElement | null);
  const leave = () => {
    onClose();
    back.current?.focus();
  };
  const { readOnly, catalogue } = editor.state;
  const nodes = readOnly ? [] : newNodes(menu).filter((n) => typeOf(catalogue, n.type));
  const bars = menu.stats.bars.filter((b) => b.count > 0);
  return (
    <Menu label={`Field ${menu.name}`} at={menu} onClose={leave}>
      <p className="menu-head" role="presentation">{menu.name} · {menu.type}</p>
      {nodes.map((n) => <MenuItem key={n.type} onChoose={() => {
        onClose();
        addFor(editor, menu, n);
      }}>{n.label}</MenuItem>)}
      {bars.length > 0 && <p className="menu-head" role="presentation">Show only, in this preview</p>}
      {bars.map((b) => <MenuItem key={b.label} detail={b.count} onChoose={() => {
        onFilter({ field: menu.name, label: b.label, contains: b.contains });
        leave();
      }}>{b.label === '' ? 'empty text' : b.label}</MenuItem>)}
    </Menu>
  );
}

// A table of records that draws only what is seen. It knows no framework and no editor: data comes in by setData, what
// people do goes out by callbacks. Every cell is a text node.

import { signOf } from '../form/type';
import { piecesOf, spoken, fullText } from './cell';
import { filterRows, type BarFilter } from './filter';
import { Columns } from './columns';
import { percent, statsOf, type Cell, type FieldStats } from './stats';
import { tsv } from './tsv';

export interface GridData {
  schema: readonly { name: string; type: string }[];
  rows: readonly (readonly Cell[])[];
}

export type Mark = 'added' | 'removed' | 'changed';

export interface GridCallbacks {
  onFilter?(filter: BarFilter): void;
  onMenu?(column: { name: string; type: string; stats: FieldStats; x: number; y: number }): void;
  announce?(text: string): void;
}

const rowHeight = 24;
const headHeight = 76;
const whole = new Intl.NumberFormat('en');
const spare = 4; // rows drawn beyond what is seen

interface Place {
  row: number; // -1 is the header
  column: number;
}

let grids = 0;

export class DataGrid {
  readonly element = make('div', 'grid');
  private readonly sizer = make('div', 'grid-sizer');
  private readonly head = make('div', 'grid-head');
  private readonly body = make('div', 'grid-body');
  private readonly id = `grid-${++grids}`;
  private data: GridData = { schema: [], rows: [] };
  private marks: ReadonlyMap<string, Mark> = new Map();
  private filters: readonly BarFilter[] = [];
  private order: number[] = [];
  private columns = new Columns([]);
  private stats: (FieldStats | undefined)[] = [];
  private active: Place = { row: 0, column: 0 };
  private anchor: Place = { row: 0, column: 0 };
  private frame = 0;
  private drawn = ''; // the ranges that are drawn; empty: nothing of it counts
  private readonly heads = new Map<number, HTMLElement>();
  private readonly rows = new Map<number, HTMLElement>();
  private readonly cells = new Map<number, Map<number, HTMLElement>>(); // by row, then column
  private popover: HTMLElement | null = null;
  private readonly observer: ResizeObserver | null;

  constructor(host: HTMLElement, label: string, private readonly callbacks: GridCallbacks = {}) {
    const { element } = this;
    set(element, { role: 'grid', tabindex: '0', 'aria-label': label, 'aria-multiselectable': 'true' });
    set(this.head, { role: 'row', 'aria-rowindex': '1' });
    set(this.sizer, { role: 'presentation' });
    set(this.body, { role: 'rowgroup' });
    const group = make('div', 'grid-headgroup');
    set(group, { role: 'rowgroup' });
    group.append(this.head);
    this.sizer.append(group, this.body);
    element.append(this.sizer);
    host.append(element);
    element.addEventListener('scroll', () => this.later(), { passive: true });
    element.addEventListener('keydown', (e) => this.key(e));
    element.addEventListener('pointerdown', (e) => this.press(e));
    element.addEventListener('dblclick', (e) => this.placeAt(e) && this.openFull());
    element.addEventListener('contextmenu', (e) => this.contextMenu(e));
    element.addEventListener('copy', (e) => this.copy(e));
    element.addEventListener('blur', () => this.closeFull());
    this.observer = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(() => this.later());
    this.observer?.observe(element);
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.observer?.disconnect();
    this.closeFull();
    this.element.remove();
  }

  /** setData shows other records. Widths stay where names stay. */
  setData(data: GridData, marks: ReadonlyMap<string, Mark> = new Map()): void {
    if (data !== this.data) {
      this.columns = this.columns.with(data);
      this.stats = new Array<FieldStats | undefined>(data.schema.length);
    }
    this.data = data;
    this.marks = marks;
    this.setFilters(this.filters);
  }

  setFilters(filters: readonly BarFilter[]): void {
    this.filters = filters;
    this.order = filterRows(this.data, filters);
    this.active = this.inside(this.active);
    this.anchor = this.active;
    this.drawn = '';
    this.draw();
  }

  /** statsFor computes what a header says, once per result. */
  statsFor(column: number): FieldStats {
    return (this.stats[column] ??= statsOf(this.data.schema[column]!.type, this.data.rows.map((row) => row[column] ?? null)));
  }

  get shownRows(): number {
    return this.order.length;
  }

  private later(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const { element, columns, data, order } = this;
    const height = element.clientHeight || 400;
    const width = element.clientWidth || 800;
    // Whole steps, so that small movements draw nothing.
    const first = Math.max(0, Math.floor(element.scrollTop / rowHeight / spare) * spare - spare);
    const last = Math.min(order.length, Math.ceil((element.scrollTop + height - headHeight) / rowHeight / spare) * spare + spare);
    const [left, right] = columns.visible(element.scrollLeft, width, 1);
    const now = [first, last, left, right].join();
    if (now === this.drawn) return;
    if (this.drawn === '') this.begin(data);
    this.drawn = now;
    this.keep(this.head, this.heads, left, right, (c) => this.header(c));
    this.keep(this.body, this.rows, first, last, (r) => this.row(r));
    for (const [r, row] of this.rows) this.keep(row, this.cells.get(r)!, left, right, (c) => this.cell(r, c));
    this.tellActive();
  }

  /** begin forgets what is drawn: data, filters or widths are others. */
  private begin({ schema }: GridData): void {
    this.head.replaceChildren();
    this.body.replaceChildren();
    this.heads.clear();
    this.rows.clear();
    this.cells.clear();
    set(this.element, { 'aria-rowcount': String(this.order.length + 1), 'aria-colcount': String(schema.length) });
    this.sizer.style.inlineSize = `${this.columns.total}px`;
    this.sizer.style.blockSize = `${headHeight + this.order.length * rowHeight}px`;
  }

  /** keep makes the children from … to of a parent: those that are there stay, in their order. */
  private keep(parent: HTMLElement, there: Map<number, HTMLElement>, from: number, to: number, make: (i: number) => HTMLElement): void {
    for (const [i, element] of there) {
      if (i >= from && i < to) continue;
      element.remove();
      there.delete(i);
      if (there === this.rows) this.cells.delete(i);
    }
    let next: HTMLElement | null = null;
    for (let i = to - 1; i >= from; i--) {
      let element = there.get(i);
      if (!element) {
        element = make(i);
        parent.insertBefore(element, next);
        there.set(i, element);
      }
      next = element;
    }
  }

  private header(c: number): HTMLElement {
    const field = this.data.schema[c]!;
    const stats = this.statsFor(c);
    const mark = this.marks.get(field.name);
    const cell = this.placed('grid-header', c);
    const share = `${percent(stats.nulls, stats.records)} null`;
    this.showChosen(cell, -1, c);
    set(cell, { role: 'columnheader', id: `${this.id}--1-${c}`, 'data-column': String(c), 'data-row': '-1', title: `${field.name} · ${field.type} · ${share} · ${whole.format(stats.distinct)} distinct` });
    if (mark) cell.dataset.mark = mark;
    const name = make('div', 'grid-name');
    const sign = make('span', 'grid-sign', signOf(field.type));
    set(sign, { 'aria-hidden': 'true' });
    name.append(sign, make('span', 'grid-title', field.name));
    const facts = make('div', 'grid-facts');
    if (mark) facts.append(make('span', 'grid-mark', mark));
    facts.append(make('span', 'grid-fact', `${share} · ${whole.format(stats.distinct)} distinct`));
    const grip = make('div', 'grid-grip');
    set(grip, { 'data-grip': String(c), 'aria-hidden': 'true' });
    cell.append(name, make('span', 'grid-spoken', `, ${field.type}, `), facts, this.bars(field.name, stats), grip);
    return cell;
  }

  private bars(field: string, stats: FieldStats): HTMLElement {
    const strip = make('div', `grid-bars ${stats.kind}`);
    set(strip, { 'aria-hidden': 'true' }); // the column's menu offers the same
    const most = Math.max(1, ...stats.bars.map((b) => b.count));
    for (const bar of stats.bars) {
      const part = make('div', 'grid-bar');
      part.title = `${bar.label === '' ? 'empty text' : bar.label}: ${bar.count}`;
      const fill = make('div', 'grid-fill');
      const size = bar.count === 0 ? '0' : `max(2px, ${(bar.count / most) * 100}%)`;
      if (stats.kind === 'histogram') fill.style.blockSize = size;
      else part.style.flexGrow = String(bar.count);
      if (this.filters.some((f) => f.field === field && f.label === bar.label)) part.dataset.chosen = '';
      part.append(fill);
      if (bar.count > 0) part.addEventListener('click', () => this.callbacks.onFilter?.({ field, label: bar.label, contains: bar.contains }));
      strip.append(part);
    }
    return strip;
  }

  private row(r: number): HTMLElement {
    const row = make('div', 'grid-row');
    set(row, { role: 'row', 'aria-rowindex': String(r + 2) });
    row.style.insetBlockStart = `${r * rowHeight}px`;
    this.cells.set(r, new Map());
    return row;
  }

  private cell(r: number, c: number): HTMLElement {
    const value = this.data.rows[this.order[r]!]?.[c] ?? null;
    const cell = this.placed('grid-cell', c);
    set(cell, { role: 'gridcell', id: `${this.id}-${r}-${c}`, 'data-row': String(r), 'data-column': String(c) });
    this.showChosen(cell, r, c);
    const { type, name } = this.data.schema[c]!;
    if (/^(int|decimal|double)/.test(type)) cell.classList.add('number');
    if (this.marks.has(name)) cell.dataset.mark = this.marks.get(name);
    if (value === null) cell.append(make('span', 'grid-null', 'null'));
    else for (const piece of piecesOf(value)) cell.append(piece.mark ? make('span', 'grid-invisible', piece.text) : document.createTextNode(piece.text));
    return cell;
  }

  private placed(className: string, c: number): HTMLElement {
    const cell = make('div', className);
    cell.setAttribute('aria-colindex', String(c + 1));
    cell.style.insetInlineStart = `${this.columns.start(c)}px`;
    cell.style.inlineSize = `${this.columns.width(c)}px`;
    return cell;
  }

  private inside({ row, column }: Place): Place {
    return { row: clamp(row, -1, this.order.length - 1), column: clamp(column, 0, Math.max(0, this.data.schema.length - 1)) };
  }

  private showChosen(cell: HTMLElement, r: number, c: number): void {
    const [top, bottom] = sorted(this.anchor.row, this.active.row);
    const [left, right] = sorted(this.anchor.column, this.active.column);
    cell.toggleAttribute('data-active', r === this.active.row && c === this.active.column);
    if (r >= 0) cell.setAttribute('aria-selected', String(r >= top && r <= bottom && c >= left && c <= right));
  }

  /** showActive marks the selection in all that is drawn. */
  private showActive(): void {
    for (const [c, cell] of this.heads) this.showChosen(cell, -1, c);
    for (const [r, cells] of this.cells) for (const [c, cell] of cells) this.showChosen(cell, r, c);
    this.tellActive();
  }

  private tellActive(): void {
    const { row, column } = this.active;
    if (this.drawnCell(row, column)) this.element.setAttribute('aria-activedescendant', `${this.id}-${row}-${column}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  private drawnCell(row: number, column: number): HTMLElement | undefined {
    return row < 0 ? this.heads.get(column) : this.cells.get(row)?.get(column);
  }

  /** go moves the active cell; with extend the selection grows from where it began. */
  private go(to: Place, extend: boolean): void {
    this.closeFull();
    this.active = this.inside(to);
    if (!extend) this.anchor = this.active;
    this.reveal();
    this.draw();
    this.showActive();
  }

  private reveal(): void {
    const { element, columns } = this;
    const { row, column } = this.active;
    const seen = (element.clientHeight || 400) - headHeight;
    if (row >= 0) {
      const top = row * rowHeight;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + rowHeight > element.scrollTop + seen) element.scrollTop = top + rowHeight - seen;
    }
    const [start, width] = [columns.start(column), columns.width(column)];
    if (start < element.scrollLeft) element.scrollLeft = start;
    else if (start + width > element.scrollLeft + element.clientWidth) element.scrollLeft = Math.min(start, start + width - element.clientWidth);
  }

  private key(e: KeyboardEvent): void {
    const { row, column } = this.active;
    const page = Math.max(1, Math.floor(((this.element.clientHeight || 400) - headHeight) / rowHeight) - 1);
    const whole = e.ctrlKey || e.metaKey;
    const steps: Record<string, Place> = {
      ArrowUp: { row: row - 1, column }, ArrowDown: { row: row + 1, column },
      ArrowLeft: { row, column: column - 1 }, ArrowRight: { row, column: column + 1 },
      Home: { row: whole ? 0 : row, column: 0 }, End: { row: whole ? this.order.length - 1 : row, column: this.data.schema.length - 1 },
      PageUp: { row: Math.max(0, row - page), column }, PageDown: { row: row + page, column },
    };
    const to = steps[e.key];
    if (to && e.altKey && row < 0 && /^Arrow(Left|Right)$/.test(e.key)) this.resize(column, this.columns.width(column) + (e.key === 'ArrowRight' ? 16 : -16));
    else if (to && !e.altKey) this.go(to, e.shiftKey);
    else if (e.key === 'ContextMenu' || (e.key === 'F10' && e.shiftKey) || (e.key === 'Enter' && row < 0)) this.menuAt(column);
    else if (e.key === 'F2' || e.key === 'Enter') this.openFull();
    else if (e.key === 'Escape' && this.popover) this.closeFull();
    else if (e.key.toLowerCase() === 'a' && whole) this.selectAll();
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  private selectAll(): void {
    this.anchor = { row: 0, column: 0 };
    this.active = this.inside({ row: this.order.length - 1, column: this.data.schema.length - 1 });
    this.showActive();
  }

  private placeAt(e: Event): Place | undefined {
    const cell = (e.target as Element).closest<HTMLElement>('[data-row][data-column]');
    return cell && this.element.contains(cell) ? { row: Number(cell.dataset.row), column: Number(cell.dataset.column) } : undefined;
  }

  private press(e: PointerEvent): void {
    const grip = (e.target as Element).closest<HTMLElement>('[data-grip]');
    if (grip) return this.dragWidth(e, Number(grip.dataset.grip));
    const at = this.placeAt(e);
    if (!at || e.button !== 0) return;
    this.go(at, e.shiftKey);
    if (at.row < 0) return;
    const move = (m: PointerEvent) => {
      const over = document.elementFromPoint(m.clientX, m.clientY)?.closest<HTMLElement>('[data-row][data-column]');
      if (over && this.body.contains(over)) this.go({ row: Number(over.dataset.row), column: Number(over.dataset.column) }, true);
    };
    this.follow(move);
  }

  private dragWidth(e: PointerEvent, column: number): void {
    e.preventDefault();
    const from = e.clientX;
    const width = this.columns.width(column);
    this.follow((m) => this.resize(column, width + (m.clientX - from)));
  }

  private follow(move: (e: PointerEvent) => void): void {
    const end = () => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', end);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', end);
  }

  private resize(column: number, width: number): void {
    this.columns.resize(column, width);
    this.drawn = '';
    this.draw();
  }

  private contextMenu(e: MouseEvent): void {
    const at = this.placeAt(e);
    if (!at) return;
    e.preventDefault();
    this.go(at, false);
    this.menuAt(at.column, { x: e.clientX, y: e.clientY });
  }

  private menuAt(column: number, at?: { x: number; y: number }): void {
    const field = this.data.schema[column];
    if (!field) return;
    const box = this.drawnCell(this.active.row, column)?.getBoundingClientRect();
    const { x, y } = at ?? { x: box?.left ?? 0, y: box?.bottom ?? 0 };
    this.callbacks.onMenu?.({ ...field, stats: this.statsFor(column), x, y });
  }

  /** selection is what is selected, row by row. */
  selection(): Cell[][] {
    const [top, bottom] = sorted(this.anchor.row, this.active.row);
    const [left, right] = sorted(this.anchor.column, this.active.column);
    const head: Cell[][] = top < 0 ? [this.data.schema.slice(left, right + 1).map((f) => f.name)] : [];
    return [...head, ...range(Math.max(0, top), bottom + 1).map((r) => range(left, right + 1).map((c) => this.data.rows[this.order[r]!]?.[c] ?? null))];
  }

  private copy(e: ClipboardEvent): void {
    if (this.popover && !getSelection()?.isCollapsed) return;
    const cells = this.selection();
    e.clipboardData?.setData('text/plain', tsv(cells));
    e.preventDefault();
    e.stopPropagation();
    const n = cells.reduce((sum, row) => sum + row.length, 0);
    this.callbacks.announce?.(n === 1 ? 'The value was copied.' : `${n} values were copied.`);
  }

  private openFull(): void {
    this.closeFull();
    const { row, column } = this.active;
    const field = this.data.schema[column];
    if (row < 0 || !field) return;
    const value = this.data.rows[this.order[row]!]?.[column] ?? null;
    const box = make('div', 'grid-full');
    set(box, { role: 'dialog', 'aria-label': `${field.name}, full value` });
    const pre = make('pre', 'grid-full-value', value === null ? 'null' : fullText(value, field.type));
    box.append(make('div', 'grid-full-name', `${field.name} · ${field.type} · ${value === null ? 'null' : `${[...value].length} characters`}`), pre);
    box.style.insetInlineStart = `${Math.min(this.columns.start(column), this.element.scrollLeft + Math.max(0, this.element.clientWidth - 420))}px`;
    box.style.insetBlockStart = `${headHeight + (row + 1) * rowHeight}px`;
    if (row * rowHeight - this.element.scrollTop > this.element.clientHeight / 2) box.classList.add('above');
    this.sizer.append(box);
    this.popover = box;
    this.callbacks.announce?.(spoken(value).slice(0, 500));
  }

  private closeFull(): void {
    this.popover?.remove();
    this.popover = null;
  }
}

function make(tag: string, className: string, content?: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  if (content !== undefined) element.textContent = content;
  return element;
}

function set(element: HTMLElement, attributes: Record<string, string>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

function clamp(n: number, least: number, most: number): number {
  return Math.min(Math.max(n, least), Math.max(least, most));
}

function sorted(a: number, b: number): [number, number] {
  return a < b ? [a, b] : [b, a];
}

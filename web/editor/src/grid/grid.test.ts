// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fullText, piecesOf } from './cell';
import { Columns } from './columns';
import { DataGrid, type GridData } from './DataGrid';
import { filterRows, toggleFilter } from './filter';
import { percent, placeOf, statsOf } from './stats';
import { tsv } from './tsv';

test('a field of numbers has a histogram; ugly values count as values and lie nowhere', () => {
  const stats = statsOf('double', ['1', '2', '3', null, 'NaN', 'Infinity', '', '1e400', '3']);
  expect([stats.records, stats.nulls, stats.distinct, stats.kind]).toEqual([9, 1, 7, 'histogram']);
  expect(stats.bars.reduce((n, b) => n + b.count, 0)).toBe(4);
  expect(stats.bars.at(-1)!.contains('3')).toBe(true);
  expect(stats.bars.some((b) => b.contains('NaN') || b.contains(null) || b.contains(''))).toBe(false);
});

test('whole numbers have whole ranges, each value in exactly one', () => {
  const cells = Array.from({ length: 1000 }, (_, i) => String(i + 1));
  const { bars } = statsOf('int64', cells);
  expect(bars[0]!.label).toBe('1 to 84');
  expect(bars.at(-1)!.label).toBe('925 to 1,000');
  for (const cell of cells) expect(bars.filter((b) => b.contains(cell))).toHaveLength(1);
  expect(statsOf('int8', ['1', '2', '2']).bars.map((b) => [b.label, b.count])).toEqual([['1', 1], ['2', 2]]);
});

test('numbers beyond 64 bits and one single value do no harm', () => {
  expect(statsOf('int128', ['170141183460469231731687303715884105727', '-5']).bars.reduce((n, b) => n + b.count, 0)).toBe(2);
  expect(statsOf('int64', ['7', '7']).bars).toMatchObject([{ label: '7', count: 2 }]);
  expect(statsOf('decimal(10,2)', [null, null])).toMatchObject({ nulls: 2, distinct: 0, bars: [] });
});

test('dates and times are spread by time', () => {
  const { kind, bars } = statsOf('date', ['2026-01-01', '2026-01-03', '0001-01-01x', '2026-02-30', null]);
  expect(kind).toBe('histogram');
  expect(bars.map((b) => [b.label, b.count])).toEqual([['2026-01-01', 1], ['2026-01-02', 0], ['2026-01-03', 1]]);
  expect(placeOf('time', '2026-01-01 12:00:00+02:00')).toBe(placeOf('time', '2026-01-01T10:00:00Z'));
  expect(placeOf('time', '06:00:00')).toBe(0.25);
  expect(placeOf('time', '0050-01-01')).toBeLessThan(placeOf('time', '1950-01-01'));
});

test('texts and booleans have their most frequent values', () => {
  const { bars, kind } = statsOf('text', ['b', 'a', 'b', '', '__proto__', 'c', 'd', 'e']);
  expect(kind).toBe('values');
  expect(bars.map((b) => [b.label, b.count])).toEqual([['b', 2], ['a', 1], ['', 1], ['__proto__', 1], ['c', 1]]);
  expect(statsOf('boolean', ['true', 'false', 'true']).bars[0]).toMatchObject({ label: 'true', count: 2 });
});

test('only none is 0 % and only all is 100 %', () => {
  expect([percent(0, 9), percent(1, 1000), percent(1, 3), percent(999, 1000), percent(5, 5), percent(0, 0)]).toEqual(['0 %', '< 1 %', '33 %', '> 99 %', '100 %', '0 %']);
});

const shown = (value: string) => piecesOf(value).map((p) => (p.mark ? `[${p.text}]` : p.text)).join('');

test('what is invisible is made visible', () => {
  expect(shown('')).toBe('[empty]');
  expect(shown('  a b ')).toBe('[··]a b[·]');
  expect(shown('   ')).toBe('[···]');
  expect(shown('a\tb\nc')).toBe('a[⇥]b[↵]c');
  expect(shown('a\u202eb')).toBe('a[\\u202e]b');
  expect(shown('x'.repeat(9999)).length).toBeLessThan(320);
});

test('full values of JSON are indented, broken ones left alone', () => {
  expect(fullText('{"a":1}', 'json')).toBe('{\n  "a": 1\n}');
  expect(fullText('{"a":…', 'json')).toBe('{"a":…');
  expect(fullText('{"a":1}', 'text')).toBe('{"a":1}');
});

test('copied cells are readable by spreadsheets', () => {
  expect(tsv([['a', null], ['x\ty', 'say "hi"'], ['two\nlines', '']])).toBe('a\t\n"x\ty"\t"say ""hi"""\n"two\nlines"\t');
});

test('a filter works where its field is; one per field; chosen twice it goes', () => {
  const data = { schema: [{ name: 'a', type: 'text' }], rows: [['x'], ['y'], [null]] };
  const x = { field: 'a', label: 'x', contains: (c: string | null) => c === 'x' };
  const other = { field: 'elsewhere', label: 'z', contains: () => false };
  expect(filterRows(data, [x, other])).toEqual([0]);
  expect(filterRows(data, [other])).toEqual([0, 1, 2]);
  expect(toggleFilter([x], { ...x, label: 'y' })).toHaveLength(1);
  expect(toggleFilter([x], x)).toEqual([]);
});

test('columns know what is seen', () => {
  const columns = new Columns(['a', 'b', 'c', 'd'], [100, 100, 100, 100]);
  expect(columns.visible(150, 100, 0)).toEqual([1, 3]);
  columns.resize(0, 300);
  expect(columns.start(1)).toBe(300);
  expect(columns.with({ schema: [{ name: 'z', type: 'text' }, { name: 'a', type: 'text' }], rows: [] }).width(1)).toBe(300);
});

// The grid itself, in a DOM without a layout: 400 × 800.

let host: HTMLElement;
beforeEach(() => document.body.append((host = document.createElement('div'))));
afterEach(() => host.remove());

const attack = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
const data: GridData = { schema: [{ name: attack, type: 'text' }, { name: 'n', type: 'int64' }], rows: [[attack, '1'], [null, '2'], ['b', '3']] };
const press = (grid: DataGrid, key: string, more: KeyboardEventInit = {}) => grid.element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
const activeText = (grid: DataGrid) => document.getElementById(grid.element.getAttribute('aria-activedescendant')!)!.textContent;

test('markup in cells, names, tooltips and full values stays text', () => {
  const grid = new DataGrid(host, attack);
  grid.setData(data);
  press(grid, 'F2');
  expect(host.querySelector('script, img')).toBeNull();
  expect(host.querySelector('.grid-full-value')!.textContent).toBe(attack);
  expect(host.querySelector('.grid-title')!.textContent).toBe(attack);
  grid.destroy();
});

test('the table tells its size and where a cell stands', () => {
  const grid = new DataGrid(host, 'Output');
  grid.setData(data, new Map([['n', 'added']]));
  expect(grid.element.getAttribute('aria-rowcount')).toBe('4');
  expect(grid.element.getAttribute('aria-colcount')).toBe('2');
  expect(host.querySelector('[role="gridcell"][data-row="1"][data-column="0"]')!.textContent).toBe('null');
  expect(host.querySelector('[role="columnheader"][data-column="1"]')!.textContent).toContain('added');
  grid.destroy();
});

test('the keyboard moves between cells, up to the header, and never out of the table', () => {
  const onMenu = vi.fn();
  const grid = new DataGrid(host, 'Output', { onMenu });
  grid.setData(data);
  press(grid, 'End');
  expect(activeText(grid)).toBe('1');
  press(grid, 'PageDown');
  press(grid, 'ArrowDown');
  expect(activeText(grid)).toBe('3');
  press(grid, 'Home', { ctrlKey: true });
  press(grid, 'ArrowUp');
  press(grid, 'ArrowUp');
  press(grid, 'Enter');
  expect(onMenu).toHaveBeenCalledWith(expect.objectContaining({ name: attack, type: 'text' }));
  grid.destroy();
});

test('a selection grows with Shift; with the header it holds the names', () => {
  const grid = new DataGrid(host, 'Output');
  grid.setData(data);
  press(grid, 'ArrowDown', { shiftKey: true });
  press(grid, 'ArrowRight', { shiftKey: true });
  expect(grid.selection()).toEqual([[attack, '1'], [null, '2']]);
  press(grid, 'Home', { ctrlKey: true });
  press(grid, 'ArrowUp');
  press(grid, 'ArrowDown', { shiftKey: true });
  expect(grid.selection()).toEqual([[attack], [attack]]);
  grid.destroy();
});

test('a clicked bar is told; filters leave the rows that pass', () => {
  const onFilter = vi.fn();
  const grid = new DataGrid(host, 'Output', { onFilter });
  grid.setData(data);
  host.querySelectorAll<HTMLElement>('[data-column="1"] .grid-bar')[2]!.click();
  const [filter] = onFilter.mock.calls[0]!;
  expect(filter).toMatchObject({ field: 'n', label: '3' });
  grid.setFilters([filter]);
  expect(grid.shownRows).toBe(1);
  expect(grid.element.getAttribute('aria-rowcount')).toBe('2');
  grid.destroy();
});

test('of 10,000 rows and 200 columns only what is seen is drawn', () => {
  const schema = Array.from({ length: 200 }, (_, i) => ({ name: `f${i}`, type: 'int64' }));
  const row = schema.map((_, i) => String(i));
  const grid = new DataGrid(host, 'Output');
  grid.setData({ schema, rows: Array.from({ length: 10_000 }, () => row) });
  expect(host.querySelectorAll('.grid-row').length).toBeLessThan(40);
  expect(host.querySelectorAll('.grid-cell').length).toBeLessThan(40 * 16);
  press(grid, 'End', { ctrlKey: true });
  expect(grid.element.getAttribute('aria-activedescendant')).toMatch(/-9999-199$/);
  grid.destroy();
});

// What a grid's header says of a field, computed once per result from the values as text.

import { familyOf, type Family } from '../form/type';

export type Cell = string | null;

/** A bar of the header: a range of numbers or times, or one value. */
export interface Bar {
  label: string;
  count: number;
  contains: (cell: Cell) => boolean;
}

export interface FieldStats {
  records: number;
  nulls: number;
  distinct: number;
  bars: Bar[];
  kind: 'histogram' | 'values';
}

const rangeBars = 12;
const valueBars = 5;

/** statsOf looks at one field of all rows. */
export function statsOf(type: string, cells: readonly Cell[]): FieldStats {
  const counts = new Map<string, number>();
  let nulls = 0;
  for (const cell of cells) {
    if (cell === null) nulls++;
    else counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  const family = familyOf(type);
  const ranges = family === 'number' || family === 'time' ? histogram(family, type, cells) : undefined;
  return {
    records: cells.length,
    nulls,
    distinct: counts.size,
    bars: ranges ?? topValues(counts),
    kind: ranges ? 'histogram' : 'values',
  };
}

/** topValues are the most frequent values; equal counts in order of appearance. */
function topValues(counts: Map<string, number>): Bar[] {
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, valueBars)
    .map(([value, count]) => ({ label: value, count, contains: (cell) => cell === value }));
}

/** histogram counts by equal ranges; undefined where there is nothing to spread: fewer than two different finite values. */
function histogram(family: Family, type: string, cells: readonly Cell[]): Bar[] | undefined {
  const places = cells.map((cell) => placeOf(family, cell)).filter((n) => !Number.isNaN(n));
  let least = Infinity;
  let most = -Infinity;
  for (const place of places) {
    if (place < least) least = place;
    if (place > most) most = place;
  }
  if (!(least < most) || !Number.isFinite(most - least)) return undefined;
  const whole = /^(int|date$)/.test(type) && Number.isSafeInteger(least) && Number.isSafeInteger(most); // ranges between whole numbers or days
  const width = whole ? Math.ceil((most - least + 1) / rangeBars) : (most - least) / rangeBars;
  const bars = whole ? Math.ceil((most - least + 1) / width) : rangeBars;
  const barOf = (place: number) => Math.min(bars - 1, Math.floor((place - least) / width));
  const counts = new Array<number>(bars).fill(0);
  for (const place of places) counts[barOf(place)]!++;
  return counts.map((count, i) => ({
    label: rangeLabel(family, type, least + i * width, whole ? Math.min(most, least + (i + 1) * width - 1) : least + (i + 1) * width),
    count,
    contains: (cell) => {
      const place = placeOf(family, cell);
      return !Number.isNaN(place) && barOf(place) === i;
    },
  }));
}

/** placeOf is a value's place on an axis; NaN where it has none: null, not finite, or too ugly to read. */
export function placeOf(family: Family, cell: Cell): number {
  if (cell === null || cell.trim() === '') return NaN;
  const place = family === 'number' ? Number(cell) : timeOf(cell);
  return Number.isFinite(place) ? place : NaN;
}

const iso = /^([+-]?\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/;
const dayMs = 86_400_000;

/** timeOf reads ISO 8601 as days (dates) or parts of days since 1970; times of day since midnight. */
function timeOf(cell: string): number {
  const clock = /^(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/.exec(cell);
  if (clock) return (Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3] ?? 0)) / 86_400;
  const found = iso.exec(cell);
  if (!found) return NaN;
  const [, year, month, day, hour = '0', minute = '0', second = '0', , zone = 'Z'] = found;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day)); // Date.UTC takes years below 100 for 19…
  if (date.getUTCDate() !== Number(day)) return NaN;
  const offset = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  const minutes = offset ? (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3] ?? 0)) : 0;
  return date.getTime() / dayMs + (Number(hour) * 60 + Number(minute) - minutes) / 1440 + Number(second) / 86_400;
}

function rangeLabel(family: Family, type: string, from: number, to: number): string {
  const write = family === 'number' ? numberLabel : (n: number) => timeLabel(type, n);
  const [a, b] = [write(from), write(to)];
  return a === b ? a : `${a} to ${b}`;
}

function numberLabel(n: number): string {
  return (Number.isInteger(n) ? n : Number(n.toPrecision(4))).toLocaleString('en-US', { maximumFractionDigits: 6 });
}

function timeLabel(type: string, days: number): string {
  const at = new Date(Math.round(days * dayMs));
  if (Number.isNaN(at.getTime())) return '';
  if (type === 'time') return at.toISOString().slice(11, 16);
  return type === 'date' ? at.toISOString().slice(0, 10) : at.toISOString().slice(0, 16).replace('T', ' ');
}

/** percent writes a share: 0 %, < 1 %, 12 %, > 99 %, 100 %. Only none is 0 and only all is 100. */
export function percent(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  if (part === whole) return '100 %';
  const share = (part / whole) * 100;
  if (share < 1) return '< 1 %';
  return share > 99 ? '> 99 %' : `${Math.round(share)} %`;
}

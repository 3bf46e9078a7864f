import type { Bar, Cell } from './stats';

/** A bar of a header that was clicked: only records inside it are shown. */
export interface BarFilter {
  field: string;
  label: string;
  contains: Bar['contains'];
}

interface Data {
  schema: readonly { name: string; type: string }[];
  rows: readonly (readonly Cell[])[];
}

/** filterRows gives the positions of the rows that pass. A filter on a field that the data does not have lets all pass. */
export function filterRows(data: Data, filters: readonly BarFilter[]): number[] {
  const tests = filters.flatMap((filter) => {
    const at = data.schema.findIndex((f) => f.name === filter.field);
    return at < 0 ? [] : [{ at, contains: filter.contains }];
  });
  const passing: number[] = [];
  data.rows.forEach((row, i) => {
    if (tests.every(({ at, contains }) => contains(row[at] ?? null))) passing.push(i);
  });
  return passing;
}

/** toggleFilter adds a bar's filter, in the place of another one of its field, or removes it. */
export function toggleFilter(filters: readonly BarFilter[], filter: BarFilter): BarFilter[] {
  const others = filters.filter((f) => f.field !== filter.field);
  const same = filters.some((f) => f.field === filter.field && f.label === filter.label);
  return same ? others : [...others, filter];
}

import type { Cell } from './stats';

/** tsv writes cells for spreadsheets: tabs between fields, quotes around values that hold tabs, quotes or line ends; null is empty. */
export function tsv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => row.map(quote).join('\t')).join('\n');
}

function quote(cell: Cell): string {
  if (cell === null) return '';
  return /["\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

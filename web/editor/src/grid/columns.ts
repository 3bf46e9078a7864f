import type { GridData } from './DataGrid';

const least = 72;
const most = 1200;
const first = 320; // widest that a column is by itself
const letter = 7.3; // px of a monospaced 12 px letter
const looked = 50; // records that a width is guessed from

/** Columns knows where each column begins. Widths that people chose stay with the name. */
export class Columns {
  private readonly starts: number[] = [];
  private readonly chosen: Map<string, number>;
  private readonly widths: number[];

  constructor(private readonly names: readonly string[], widths: readonly number[] = [], chosen: ReadonlyMap<string, number> = new Map()) {
    this.chosen = new Map(chosen);
    this.widths = names.map((name, i) => this.chosen.get(name) ?? widths[i] ?? least);
    this.sum();
  }

  with(data: GridData): Columns {
    return new Columns(data.schema.map((f) => f.name), data.schema.map((_, c) => guess(data, c)), this.chosen);
  }

  private sum(): void {
    let at = 0;
    this.widths.forEach((width, i) => {
      this.starts[i] = at;
      at += width;
    });
    this.starts[this.widths.length] = at;
  }

  get total(): number {
    return this.starts[this.widths.length] ?? 0;
  }

  start(c: number): number {
    return this.starts[c] ?? 0;
  }

  width(c: number): number {
    return this.widths[c] ?? least;
  }

  resize(c: number, width: number): void {
    this.widths[c] = Math.min(most, Math.max(48, width));
    this.chosen.set(this.names[c]!, this.widths[c]!);
    this.sum();
  }

  /** visible is the range of columns between two places, with some to spare. */
  visible(left: number, width: number, spare: number): [number, number] {
    const count = this.widths.length;
    const from = this.search(left);
    let to = from;
    while (to < count && this.starts[to]! < left + width) to++;
    return [Math.max(0, from - spare), Math.min(count, to + spare)];
  }

  private search(x: number): number {
    let low = 0;
    let high = this.widths.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= x) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }
}

function guess(data: GridData, c: number): number {
  let letters = data.schema[c]!.name.length + 5;
  for (const row of data.rows.slice(0, looked)) letters = Math.max(letters, row[c]?.length ?? 4);
  return Math.min(first, Math.max(156, Math.ceil(letters * letter) + 18));
}

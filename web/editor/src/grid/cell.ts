import type { Cell } from './stats';

/** A piece of a cell: text as it is, or a mark that stands for something invisible. */
export interface Piece {
  text: string;
  mark: boolean;
}

const marks: Record<string, string> = { '\n': '↵', '\r': '␍', '\t': '⇥', '\u00a0': '⍽', '\u200b': '∅', '\ufeff': '∅', '\0': '␀' };
// Characters that change the direction of what stands behind them would make a cell show what it does not hold.
const hidden = /[\u0000-\u001f\u007f\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;

const shownCharacters = 300; // more than any column is wide

/** piecesOf makes a value readable in one line: empty text, spaces at the ends and control characters are made visible. */
export function piecesOf(value: string): Piece[] {
  if (value === '') return [{ text: 'empty', mark: true }];
  const cut = value.length > shownCharacters ? value.slice(0, shownCharacters) + '…' : value;
  const lead = /^ */.exec(cut)![0].length;
  const trail = lead === cut.length ? 0 : / *$/.exec(cut)![0].length;
  const body = cut.slice(lead, cut.length - trail);
  return [...dots(lead), ...visible(body), ...dots(trail)];
}

function dots(n: number): Piece[] {
  return n > 0 ? [{ text: '·'.repeat(n), mark: true }] : [];
}

function visible(text: string): Piece[] {
  const pieces: Piece[] = [];
  const add = (piece: string, mark: boolean) => {
    const last = pieces.at(-1);
    if (last && last.mark === mark) last.text += piece;
    else pieces.push({ text: piece, mark });
  };
  for (const c of text) {
    if (!hidden.test(c)) add(c, false);
    else add(marks[c] ?? '\\u' + c.codePointAt(0)!.toString(16).padStart(4, '0'), true);
  }
  return pieces;
}

/** spoken is a value as assistive technology and tooltips say it. */
export function spoken(cell: Cell): string {
  if (cell === null) return 'null';
  return cell === '' ? 'empty text' : cell;
}

/** fullText is a value for the popover: JSON, lists and structs are indented where they can be read. */
export function fullText(value: string, type: string): string {
  if (!/^(json|list|struct)/.test(type)) return value;
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

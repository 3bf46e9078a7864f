// The words of the expression language, as docs/expressions.md defines them. The server alone decides what an
// expression means; this is only enough for colours, completion and quoting.

export type TokenKind = 'field' | 'function' | 'keyword' | 'parameter' | 'number' | 'text' | 'symbol' | 'broken';

export interface Token {
  kind: TokenKind;
  from: number; // UTF-16 units, as editors count
  to: number;
  text: string; // as written
}

/** Words that a bare field name cannot be. */
export const reserved: ReadonlySet<string> = new Set([
  'and', 'between', 'case', 'cast', 'else', 'end', 'escape', 'false', 'ilike', 'in', 'is', 'like', 'not', 'null', 'or',
  'then', 'true', 'try_cast', 'when',
]);

const literalWords = new Set(['date', 'time', 'timestamp', 'timestamptz', 'interval', 'uuid']);
const castWords = new Set(['as', 'format', 'zone']);

const space = /\s+/y;
const word = /[_\p{L}][_\p{L}\p{Nd}\p{Mn}]*/uy;
const number = /\d+(?:\.\d*)?(?:[eE][+-]?\d+)?/y;
const symbol = /<>|!=|<=|>=|\|\||[^\s]/uy;

function match(pattern: RegExp, source: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? '';
}

/** delimited returns the end of a quoted piece that begins at `at`, or -1 when it is not closed. A doubled closing character stands for itself. */
function delimited(source: string, at: number, close: string): number {
  for (let i = at + 1; i < source.length; i++) {
    if (source[i] !== close) continue;
    if (source[i + 1] !== close) return i + 1;
    i++;
  }
  return -1;
}

const closing: Record<string, string> = { "'": "'", '"': '"', '[': ']' };

function quoted(source: string, at: number, open: string): Token {
  const end = delimited(source, at, closing[open]!);
  const to = end < 0 ? source.length : end;
  const kind = end < 0 ? 'broken' : open === "'" ? 'text' : 'field';
  return { kind, from: at, to, text: source.slice(at, to) };
}

function wordKind(source: string, text: string, to: number): TokenKind {
  const lower = text.toLowerCase();
  const next = source.slice(to).trimStart()[0];
  if (reserved.has(lower)) return 'keyword';
  if (next === '(') return 'function';
  if (literalWords.has(lower) && next === "'") return 'keyword';
  return 'field';
}

function next(source: string, at: number): Token {
  const first = source[at]!;
  const token = (kind: TokenKind, text: string): Token => ({ kind, from: at, to: at + text.length, text });
  if (first in closing) return quoted(source, at, first);
  if (first === '$') {
    const name = match(word, source, at + 1);
    return token(name ? 'parameter' : 'broken', '$' + name);
  }
  const digits = match(number, source, at);
  if (digits) return token('number', digits);
  const text = match(word, source, at);
  if (text) return token(wordKind(source, text, at + text.length), text);
  return token('symbol', match(symbol, source, at));
}

/** tokenize cuts a source into its words; white space is left out. Nothing is refused: what is unclosed is `broken`. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let casts = 0; // inside cast( … ) the words as, format, zone and the type are keywords
  for (let at = 0; at < source.length; ) {
    at += match(space, source, at).length;
    if (at >= source.length) break;
    const token = next(source, at);
    const lower = token.text.toLowerCase();
    if (token.kind === 'keyword' && (lower === 'cast' || lower === 'try_cast')) casts++;
    else if (casts > 0 && token.kind === 'field' && castWords.has(lower)) token.kind = 'keyword';
    else if (casts > 0 && tokens.at(-1)?.text.toLowerCase() === 'as') token.kind = 'keyword';
    tokens.push(token);
    at = token.to;
  }
  return tokens;
}

/** quoteName writes a field name as an expression spells it: bare where it is a plain word, else in double quotes. */
export function quoteName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !reserved.has(name.toLowerCase())) return name;
  return `"${name.replaceAll('"', '""')}"`;
}

/** unquoteName is the field that an expression consisting of one name means, or undefined for any other expression. */
export function unquoteName(source: string): string | undefined {
  const [token, ...rest] = tokenize(source);
  if (!token || token.kind !== 'field' || rest.length > 0) return undefined;
  if (token.text.startsWith('"')) return token.text.slice(1, -1).replaceAll('""', '"');
  if (token.text.startsWith('[')) return token.text.slice(1, -1).replaceAll(']]', ']');
  return token.text;
}

/** quoteText writes a text literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** unitAt turns a 1-based position in characters (code points), as problems have it, into one in UTF-16 units. */
export function unitAt(source: string, character: number): number {
  let unit = 0;
  for (let left = character - 1; left > 0 && unit < source.length; left--) {
    unit += source.codePointAt(unit)! > 0xffff ? 2 : 1;
  }
  return unit;
}

// The tree of what the records of a sample have, merged: what JSON Extract can take, with proposals for types and names.

import { readJson, type Json } from './read';

export type Kind = Json['kind'];

export interface Branch {
  path: string;
  label: string; // the last step
  words: readonly string[]; // of the path, for a name
  array?: string; // path of the array of whose elements it is a part
  around?: readonly string[]; // words of that array
  kinds: Partial<Record<Kind, number>>; // how often it is what
  present: number; // records, or elements, that have it, null or not
  values: string[]; // different ones, as they are written; the first few
  numbers: { whole: number; scale: number; exponent: boolean }; // the most digits before and behind the point
  shapes: Set<string>; // types that texts read like
  children: Branch[];
}

export interface Tree {
  root: Branch;
  records: number; // that are JSON
  others: number; // that are none, or null
}

const shownElements = 3;
const mergedElements = 1000;

/** eachElement is how a path says each element of an array. */
export const eachElement = '[*]';
const shownValues = 3;

function branch(path: string, label: string, words: readonly string[]): Branch {
  return { path, label, words, kinds: {}, present: 0, values: [], numbers: { whole: 0, scale: 0, exponent: false }, shapes: new Set(), children: [] };
}

/** treeOf merges texts; null and what is no JSON is counted. */
export function treeOf(texts: readonly (string | null)[]): Tree {
  const root = branch('$', '$', []);
  let others = 0;
  for (const text of texts) {
    const value = text === null ? undefined : readJson(text);
    if (value) merge(root, value);
    else others++;
  }
  return { root, records: texts.length - others, others };
}

function merge(into: Branch, value: Json): void {
  into.present++;
  into.kinds[value.kind] = (into.kinds[value.kind] ?? 0) + 1;
  switch (value.kind) {
    case 'object': {
      const seen = new Set<string>();
      for (const [key, v] of value.members) {
        if (!seen.has(key)) merge(child(into, stepOf(key), key, key), v);
        seen.add(key);
      }
      return;
    }
    case 'list':
      if (into.array === undefined) value.items.slice(0, mergedElements).forEach((v) => merge(elementOf(into), v));
      value.items.slice(0, shownElements).forEach((v, i) => merge(child(into, `[${i}]`, `[${i}]`, String(i + 1)), v));
      return;
    case 'null':
      return;
  }
  if (into.values.length < shownValues && !into.values.includes(value.text)) into.values.push(value.text);
  if (value.kind === 'number') measure(into, value.text);
  if (value.kind === 'text') into.shapes.add(shapeOf(value.text));
}

function child(of: Branch, step: string, label: string, word: string): Branch {
  const path = of.path + step;
  let found = of.children.find((c) => c.path === path);
  if (!found) {
    found = { ...branch(path, label, [...of.words, word]), ...(of.array === undefined ? {} : { array: of.array, around: of.around }) };
    of.children.push(found);
  }
  return found;
}

/** elementOf is what all elements of an array are, merged. Its parts are named without the array. */
function elementOf(of: Branch): Branch {
  let found = of.children.find((c) => c.label === eachElement && c.array === of.path);
  if (!found) of.children.unshift((found = { ...branch(of.path + eachElement, eachElement, []), array: of.path, around: of.words }));
  return found;
}

/** stepOf writes a key as a step of a path. */
export function stepOf(key: string): string {
  return /^[\p{ASCII}]*$/u.test(key) && /^[A-Za-z0-9_-]+$/.test(key) ? `.${key}` : `['${key.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`;
}

function measure(at: Branch, text: string): void {
  const [mantissa = '', exponent] = text.replace('-', '').toLowerCase().split('e');
  const [whole = '', scale = ''] = mantissa.split('.');
  at.numbers = { whole: Math.max(at.numbers.whole, whole.length), scale: Math.max(at.numbers.scale, scale.length), exponent: at.numbers.exponent || exponent !== undefined };
}

const shapes: [string, RegExp][] = [
  ['uuid', /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i],
  ['date', /^\d{4}-\d{2}-\d{2}$/],
  ['timestamp', /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?$/],
  ['timestamptz', /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})$/],
];

function shapeOf(text: string): string {
  return shapes.find(([, shape]) => shape.test(text))?.[0] ?? 'text';
}

const mostly = 0.9;

/** typeOfBranch proposes the type that takes every value of the sample; where nearly all are numbers, one that refuses the others. */
export function typeOfBranch(b: Branch): string {
  const kinds = Object.keys(b.kinds).filter((k) => k !== 'null') as Kind[];
  if (b.array !== undefined && kinds.length === 1 && kinds[0] === 'list') return 'list<json>';
  if (kinds.some((k) => k === 'object' || k === 'list')) return 'json';
  const values = kinds.reduce((sum, k) => sum + b.kinds[k]!, 0);
  if ((b.kinds.number ?? 0) > 0 && b.kinds.number! >= mostly * values) return numberType(b.numbers);
  if (kinds.length !== 1) return 'text';
  if (kinds[0] === 'boolean') return 'boolean';
  const found = [...b.shapes];
  return found.length === 1 ? found[0]! : 'text';
}

function numberType({ whole, scale, exponent }: Branch['numbers']): string {
  if (exponent || whole + scale > 38) return 'double';
  if (scale === 0) return whole <= 18 ? 'int64' : 'int128';
  const behind = Math.max(scale, 2); // 12.5 is followed by 12.55
  return whole <= 16 - behind ? `decimal(18,${behind})` : `decimal(38,${behind})`;
}

/** leavesOf are the branches that become fields: values, and lists as JSON; of the array that is iterated over, the parts of its elements. */
export function leavesOf(b: Branch, array?: string): Branch[] {
  if (array !== undefined && b.path === array && b.array === undefined) {
    const element = b.children.find((c) => c.label === eachElement);
    return element ? leavesOf(element, array) : [];
  }
  if (b.children.length > 0 && !b.kinds.list) return b.children.flatMap((c) => leavesOf(c, array));
  return [b];
}

/** arrayOf is the path of an array as a setting names it, with or without [*]. */
export function arrayOf(each: unknown): string | undefined {
  return typeof each === 'string' && each !== '' ? (each.endsWith(eachElement) ? each.slice(0, -eachElement.length) : each) : undefined;
}

/** nameOf makes a name of the words of a path, in snake case, that no other field has. */
export function nameOf(b: Pick<Branch, 'words' | 'around'>, taken: ReadonlySet<string>): string {
  const own = snakeOf(b.words);
  if (b.around && (own === '' || taken.has(own))) return free(snakeOf([...b.around, ...b.words]), taken);
  return free(own, taken);
}

function snakeOf(words: readonly string[]): string {
  const snake = words.map((w) => w.normalize('NFKC').replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1_$2').replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2').replace(/[^\p{L}\p{N}]+/gu, '_').toLowerCase())
    .join('_').replace(/_+/g, '_').replace(/^_|_$/g, '');
  return /^\p{N}/u.test(snake) ? `n${snake}` : snake;
}

function free(name: string, taken: ReadonlySet<string>): string {
  const base = name === '' ? 'value' : name;
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}_${n}`;
    if (!taken.has(name)) return name;
  }
}

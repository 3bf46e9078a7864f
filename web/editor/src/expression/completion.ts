import type { Parameter } from '../model/document';
import { detailOf, writtenAt } from '../parameter/reference';
import { quoteName, tokenize } from './token';

/** What can be written in an expression at this place of the flow. */
export interface Scope {
  fields: readonly { name: string; type: string; from?: string }[]; // from: the input, where there are several
  functions: readonly FunctionHelp[];
  parameters: readonly { name: string; type: string; default?: unknown; secret?: boolean | undefined }[];
  aggregate?: boolean; // functions over a group are allowed
}

export interface FunctionHelp {
  name: string;
  category: string;
  signatures: readonly string[];
  help: string;
  example: string;
  operator?: boolean;
  aggregate?: boolean;
}

export interface Option {
  kind: 'field' | 'function' | 'parameter' | 'keyword';
  label: string; // shown
  insert: string;
  cursor: number; // place in insert at which typing goes on
  detail: string;
  info: string;
}

export interface Completion {
  from: number;
  to: number;
  options: Option[];
}

const keywords: readonly [string, string][] = [
  ['and', 'both are true'], ['or', 'one is true'], ['not', 'the opposite'], ['is null', 'nothing is known'],
  ['is not null', 'something is known'], ['between', 'x between 1 and 5'], ['in', "x in ('a', 'b')"],
  ['like', "x like 'A%'"], ['ilike', 'like, whatever the capitals'], ['case', "case when a > 1 then 'many' else 'one' end"],
  ['cast', 'cast(x as int64)'], ['try_cast', 'null instead of an error'], ['true', ''], ['false', ''], ['null', ''],
];

/**
 * complete lists what fits before the cursor. Nothing is offered inside texts and numbers. Without a word at the cursor
 * it answers only when asked explicitly.
 */
export function complete(source: string, cursor: number, scope: Scope, explicit = false): Completion | undefined {
  const braced = writtenAt(source, cursor);
  if (braced && !insideText(source, braced.from)) { // expressions spell it $name
    const options = rank(parameters(scope), braced.typed);
    return options.length > 0 ? { from: braced.from, to: braced.to, options } : undefined;
  }
  const token = tokenize(source).find((t) => t.from < cursor && cursor <= t.to);
  const from = token && token.kind !== 'symbol' ? token.from : cursor;
  const written = source.slice(from, cursor);
  if (token && (token.kind === 'number' || token.text.startsWith("'"))) return undefined;
  if (!written && !explicit) return undefined;
  const options = written.startsWith('$') ? parameters(scope) : all(scope, /^["[]/.test(written));
  const wanted = written.replace(/^["[$]/, '');
  const ranked = rank(options, wanted);
  if (ranked.length === 0) return undefined;
  return { from, to: token && token.kind !== 'symbol' ? Math.max(token.to, cursor) : cursor, options: ranked };
}

/** insideText reports whether a place is inside of a text or of a quoted name. */
function insideText(source: string, at: number): boolean {
  return tokenize(source).some((t) => t.from < at && at < t.to && /^['"[]/.test(t.text));
}

function all(scope: Scope, onlyFields: boolean): Option[] {
  const fields = scope.fields.map(fieldOption);
  if (onlyFields) return fields;
  return [...fields, ...parameters(scope), ...functions(scope), ...keywords.map(keywordOption)];
}

function fieldOption(field: Scope['fields'][number]): Option {
  const insert = quoteName(field.name);
  const info = field.from ? `Field of ${field.from}` : 'Field';
  return { kind: 'field', label: field.name, insert, cursor: insert.length, detail: field.type, info };
}

function keywordOption([word, info]: readonly [string, string]): Option {
  const insert = word === 'cast' || word === 'try_cast' ? `${word}( as )` : word;
  return { kind: 'keyword', label: word, insert, cursor: insert.endsWith(')') ? word.length + 1 : insert.length, detail: '', info };
}

function parameters(scope: Scope): Option[] {
  return scope.parameters.map((p) => {
    const { name, secret } = p;
    return { kind: 'parameter', label: '$' + name, insert: '$' + name, cursor: name.length + 1, detail: detailOf(p as Parameter, false), info: secret ? 'Secret parameter: expressions cannot read it' : 'Parameter of the run' };
  });
}

function functions(scope: Scope): Option[] {
  return scope.functions.filter((f) => !f.operator && (scope.aggregate || !f.aggregate)).map(functionOption);
}

function functionOption(f: FunctionHelp): Option {
  const bare = f.signatures.every((s) => s.startsWith('()'));
  const insert = f.name + '()';
  const info = [...f.signatures.map((s) => f.name + s), f.help, f.example && `Example: ${f.example}`].filter(Boolean).join('\n');
  return { kind: 'function', label: f.name, insert, cursor: insert.length - (bare ? 0 : 1), detail: f.signatures[0] ?? '', info };
}

const order: Record<Option['kind'], number> = { field: 0, parameter: 1, function: 2, keyword: 3 };

/** rank keeps what matches: beginnings first, then beginnings of parts, then any place; fields before functions. */
function rank(options: Option[], wanted: string): Option[] {
  const lower = wanted.toLowerCase();
  const scored = options.flatMap((option) => {
    const score = matchScore(option.label.replace(/^\$/, '').toLowerCase(), lower);
    return score < 0 ? [] : [{ option, score }];
  });
  scored.sort((a, b) => a.score - b.score || order[a.option.kind] - order[b.option.kind] || a.option.label.localeCompare(b.option.label));
  return scored.map((s) => s.option);
}

function matchScore(label: string, wanted: string): number {
  if (!wanted) return 0;
  const at = label.indexOf(wanted);
  if (at < 0) return -1;
  if (at === 0) return 0;
  return /[^\p{L}\p{N}]/u.test(label[at - 1]!) ? 1 : 2;
}

/** callAt finds the function whose arguments the cursor stands in, for its help. */
export function callAt(source: string, cursor: number, functions: readonly FunctionHelp[]): { help: FunctionHelp; argument: number } | undefined {
  const open: { name: string; argument: number }[] = [];
  let before = '';
  for (const token of tokenize(source)) {
    if (token.from >= cursor) break;
    if (token.text === '(') open.push({ name: before, argument: 0 });
    else if (token.text === ')') open.pop();
    else if (token.text === ',' && open.length > 0) open.at(-1)!.argument++;
    before = token.kind === 'function' || token.kind === 'keyword' ? token.text.toLowerCase() : '';
  }
  const inner = open.at(-1);
  const help = inner && functions.find((f) => f.name === inner.name && !f.operator);
  return help && { help, argument: inner.argument };
}

// Parameters of a flow: where they are used, and what renaming one means for it. No DOM.

import type { Catalogue } from '../api/types';
import type { Schema } from '../form/schema';
import { tokenize } from '../expression/token';
import { typeOf, type Config, type FlowDocument, type Parameter } from '../model/document';

/** namePattern is what $name can spell. */
export const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

export function freeParameter(doc: FlowDocument, word = 'parameter'): string {
  const taken = new Set(doc.parameters?.map((p) => p.name));
  for (let n = 1; ; n++) {
    const name = n === 1 ? word : `${word}_${n}`;
    if (!taken.has(name)) return name;
  }
}

/** needsValue tells whether a run has to give a value, in an environment. */
export function needsValue(p: Parameter, environment: string): boolean {
  return p.default === undefined && p.environments?.[environment] === undefined;
}

const expressions = new Set(['expression', 'condition', 'aggregate']);

/** renameUses lets every use of a parameter follow its new name; use it inside a recipe. */
export function renameUses(doc: FlowDocument, catalogue: Catalogue, from: string, to: string): void {
  for (const node of doc.nodes) {
    if (!node.config) continue;
    const schema = typeOf(catalogue, node.type)?.schema as Schema | undefined;
    node.config = renamed(node.config, schema, from, to) as Config;
  }
}

function renamed(value: unknown, schema: Schema | undefined, from: string, to: string): unknown {
  if (typeof value === 'string') return inText(value, schema?.['x-widget'] ?? '', from, to);
  if (Array.isArray(value)) return value.map((item) => renamed(item, schema?.items ? { ...schema.items, ...(schema.items.type === 'string' && schema['x-widget'] ? { 'x-widget': schema['x-widget'] } : {}) } : undefined, from, to));
  if (typeof value !== 'object' || value === null || 'rawJSON' in value) return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]![0] === 'parameter' && entries[0]![1] === from) return { parameter: to };
  return Object.fromEntries(entries.map(([name, inside]) => [name, renamed(inside, schema?.properties?.[name], from, to)]));
}

function inText(text: string, widget: string, from: string, to: string): string {
  if (expressions.has(widget)) return inExpression(text, from, to);
  const changed = text.replace(/\$\$\{|\$\{([^}:]*)(:[^}]*)?\}/g, (whole, name: string | undefined, format = '') => (name === from ? `\${${to}${format}}` : whole));
  return widget === 'sql' ? changed.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\$([A-Za-z_]\w*)/g, (whole, name: string | undefined) => (name === from ? `$${to}` : whole)) : changed;
}

function inExpression(text: string, from: string, to: string): string {
  let out = '';
  let at = 0;
  for (const token of tokenize(text)) {
    if (token.kind !== 'parameter' || token.text !== `$${from}`) continue;
    out += text.slice(at, token.from) + `$${to}`;
    at = token.to;
  }
  return out + text.slice(at);
}

/** usesOf names the nodes that use a parameter. */
export function usesOf(doc: FlowDocument, catalogue: Catalogue, name: string): string[] {
  return doc.nodes.filter((node) => {
    if (!node.config) return false;
    const schema = typeOf(catalogue, node.type)?.schema as Schema | undefined;
    return JSON.stringify(renamed(node.config, schema, name, `${name}__`)) !== JSON.stringify(node.config);
  }).map((node) => node.name || node.id);
}

/** wrongValue says why a text is no value of a type; the server says the rest. '' where nothing is wrong. */
export function wrongValue(text: string, type: string): string {
  if (/^int\d+$/.test(type) && !/^[+-]?\d+$/.test(text)) return 'Write a whole number.';
  if (/^(decimal|double)/.test(type) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return 'Write a number.';
  if (type === 'boolean' && text !== 'true' && text !== 'false') return 'Choose true or false.';
  if (type === 'date' && !/^\d{4}-\d{2}-\d{2}$/.test(text)) return 'Write a date such as 2026-01-31.';
  if (type === 'time' && !/^\d{2}:\d{2}:\d{2}(\.\d{1,6})?$/.test(text)) return 'Write a time such as 13:45:00.';
  if (type === 'timestamp' && !/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?$/.test(text)) return 'Write a date and a time such as 2026-01-31 13:45:00.';
  if (type === 'timestamptz' && !/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:?\d{2})$/.test(text)) return 'Write a date, a time and the offset of the zone, such as 2026-01-31 13:45:00+01:00.';
  const item = /^list<(.+)>$/.exec(type)?.[1];
  return item ? wrongItem(text, item) : '';
}

/** wrongItem says which item of a list is no value of its type. A list is written with commas, or as JSON. */
function wrongItem(text: string, type: string): string {
  const written = text.trim();
  let items: unknown[];
  if (!written.startsWith('[')) items = written === '' ? [] : written.split(',').map((item) => item.trim());
  else {
    try {
      items = JSON.parse(written) as unknown[];
    } catch {
      return 'Write a list such as a, b or ["a", "b"].';
    }
  }
  for (const [n, item] of items.entries()) {
    if (typeof item === 'object' || (typeof item !== 'string' && type === 'text')) return `Item ${n + 1} is no value of type ${type}.`;
    const wrong = wrongValue(String(item), type);
    if (wrong) return `Item ${n + 1}: ${wrong}`;
  }
  return '';
}

/** exampleOf is what a value of a type may look like, for a field that is empty. */
export function exampleOf(type: string): string {
  if (type.startsWith('list<')) return /<(int|decimal|double)/.test(type) ? '1, 2, 3' : 'a, b, c';
  return { date: '2026-01-31', time: '13:45:00', timestamp: '2026-01-31 13:45:00', timestamptz: '2026-01-31 13:45:00+01:00', double: '1.5', boolean: 'true' }[type] ?? '';
}

/** textOf is how a default is edited. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'object' && 'rawJSON' in value) return String(value.rawJSON);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** isList tells whether a parameter holds many values. */
export const isList = (p: Parameter): boolean => p.type.startsWith('list<');

/** fitting are the parameters whose type a whole setting takes; one that is a list is taken whole, or item by item. */
export function fitting(schema: Schema, parameters: readonly Parameter[]): readonly Parameter[] {
  if (schema.type === 'array') {
    const items = { ...schema.items, ...(schema['x-secrets'] ? { 'x-secrets': schema['x-secrets'] } : {}) };
    const inside = parameters.map((p) => (isList(p) ? { ...p, type: p.type.slice('list<'.length, -1) } : p));
    const fits = new Set(fitting(items, inside).map((p) => p.name));
    return parameters.filter((p) => fits.has(p.name));
  }
  const types: Record<string, RegExp> = { integer: /^int/, number: /^(int|decimal|double)/, boolean: /^boolean$/ };
  const wanted = types[schema.type ?? ''];
  return parameters.filter((p) => (wanted ? wanted.test(p.type) : !/^(bytes|interval|list|struct)/.test(p.type)) && (!p.secret || schema['x-secrets'] === 'true'));
}


// What was given last, per flow, is remembered in the browser: never secrets.

const key = (flow: string) => `spark.parameters.${flow}`;

export function rememberedValues(flow: string, parameters: readonly Parameter[], storage: Pick<Storage, 'getItem'> = localStorage): Record<string, string> {
  try {
    const all = JSON.parse(storage.getItem(key(flow)) ?? '{}') as Record<string, unknown>;
    return Object.fromEntries(parameters.flatMap((p) => (!p.secret && typeof all[p.name] === 'string' ? [[p.name, all[p.name] as string]] : [])));
  } catch {
    return {};
  }
}

export function rememberValues(flow: string, parameters: readonly Parameter[], values: Record<string, string>, storage: Pick<Storage, 'setItem'> = localStorage): void {
  const open = Object.fromEntries(Object.entries(values).filter(([name]) => parameters.some((p) => p.name === name && !p.secret)));
  try {
    storage.setItem(key(flow), JSON.stringify(open));
  } catch {
    // a browser that stores nothing asks again
  }
}

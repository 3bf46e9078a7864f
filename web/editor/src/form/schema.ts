// A node type's JSON Schema says how its form looks: the schema's own members (type, title, description, default,
// enum, minimum, required) and the hints x-order, x-widget, x-showIf, x-advanced, x-example and x-value. Nothing about
// node types is known here besides that.

import { joinPath, valueAt } from './path';

export interface Schema {
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  enum?: readonly string[];
  minimum?: number;
  required?: readonly string[];
  properties?: Readonly<Record<string, Schema>>;
  items?: Schema;
  'x-order'?: readonly string[];
  'x-widget'?: string;
  'x-showIf'?: string;
  'x-system'?: string; // of a connection: its type
  'x-advanced'?: boolean;
  'x-example'?: string;
  'x-value'?: boolean;
  'x-secrets'?: string;
}

/** One member of a form. */
export interface Member {
  name: string;
  path: string; // of its value inside the config
  title: string;
  help: string;
  example: string;
  widget: string; // key of the widget that edits it
  required: boolean;
  advanced: boolean;
  value: boolean; // also takes a parameter of the run
  showIf?: Condition;
  fallback: unknown; // what counts while nothing is set
  schema: Schema;
}

/** membersOf lists the members of an object schema in the order that the form shows. */
export function membersOf(schema: Schema, base = ''): Member[] {
  const properties = schema.properties ?? {};
  const order = schema['x-order'] ?? Object.keys(properties);
  const names = [...order, ...Object.keys(properties).filter((name) => !order.includes(name))];
  return names.flatMap((name) => (Object.hasOwn(properties, name) ? [member(schema, properties[name]!, name, base)] : []));
}

interface Condition {
  member: string;
  values?: readonly string[]; // without them: where the member is set
}

/** conditionOf reads a condition: auth=basic|bearer, or the name of a member alone. */
function conditionOf(text: string): Condition {
  const [other, value] = text.split('=', 2);
  return { member: other!, ...(value === undefined ? {} : { values: value.split('|') }) };
}

function member(parent: Schema, schema: Schema, name: string, base: string): Member {
  return {
    name,
    path: base ? joinPath(base, name) : name,
    title: schema.title ?? name,
    help: schema.description ?? '',
    example: schema['x-example'] ?? '',
    widget: widgetOf(schema),
    required: parent.required?.includes(name) ?? false,
    advanced: schema['x-advanced'] ?? false,
    value: schema['x-value'] ?? false,
    ...(schema['x-showIf'] ? { showIf: conditionOf(schema['x-showIf']) } : {}),
    fallback: schema.default,
    schema,
  };
}

/** widgetOf names the widget: the hint, else what the type asks for. */
export function widgetOf(schema: Schema): string {
  if (schema['x-widget']) return schema['x-widget'];
  if (schema.enum) return 'enum';
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'object':
      return 'object';
    case 'array':
      return schema.items?.type === 'object' ? 'list' : 'texts';
    default:
      return 'text';
  }
}

/** shown tells whether a member belongs to the form as the config is. */
export function shown(member: Member, members: readonly Member[], config: unknown): boolean {
  return !member.showIf || holds(member.showIf, members, config);
}

/** meets reports whether a condition such as auth=code holds. */
export function meets(condition: string, members: readonly Member[], config: unknown): boolean {
  return holds(conditionOf(condition), members, config);
}

function holds(condition: Condition, members: readonly Member[], config: unknown): boolean {
  const other = members.find((m) => m.name === condition.member);
  const value = (other && valueAt(config, other.path)) ?? other?.fallback;
  return condition.values ? condition.values.includes(String(value ?? '')) : value !== undefined && value !== '';
}

const abbreviations = ['hmac', 'json', 'url', 'uuid', 'xml'];

/** wordOf is how a value of an enum is shown: `fillNull` as "Fill null". Values without letters stay as they are. */
export function wordOf(value: string): string {
  if (!/^[a-z][A-Za-z_]*$/.test(value)) return value;
  const words = value.replace(/([a-z])([A-Z])/g, '$1 $2').replaceAll('_', ' ').toLowerCase();
  return abbreviations.includes(words) ? words.toUpperCase() : words[0]!.toUpperCase() + words.slice(1);
}

/** emptyOf is what a new item of a list begins as: its defaults and an empty text for what must be filled in. */
export function emptyOf(items: Schema | undefined): unknown {
  if (items?.type !== 'object') return items?.default ?? (items?.type === 'integer' || items?.type === 'number' ? 0 : '');
  const item: Record<string, unknown> = {};
  for (const m of membersOf(items)) {
    if (m.required) item[m.name] = m.fallback ?? (m.schema['x-widget'] === 'type' ? 'text' : '');
  }
  return item;
}

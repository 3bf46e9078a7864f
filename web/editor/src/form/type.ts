// The text form of value types, flows.Type: `int64`, `decimal(10,2)`, `list<text>`.

export type Family = 'number' | 'text' | 'boolean' | 'time' | 'other';

/** The kinds that a builder chooses from, in the order of the select, each with its words. */
export const kinds: readonly { kind: string; title: string }[] = [
  { kind: 'text', title: 'Text' },
  { kind: 'int64', title: 'Whole number' },
  { kind: 'decimal', title: 'Decimal' },
  { kind: 'double', title: 'Double' },
  { kind: 'boolean', title: 'Boolean' },
  { kind: 'date', title: 'Date' },
  { kind: 'time', title: 'Time' },
  { kind: 'timestamp', title: 'Date and time' },
  { kind: 'timestamptz', title: 'Date and time with zone' },
  { kind: 'int8', title: 'Whole number, 8 bit' },
  { kind: 'int16', title: 'Whole number, 16 bit' },
  { kind: 'int32', title: 'Whole number, 32 bit' },
  { kind: 'int128', title: 'Whole number, 128 bit' },
  { kind: 'interval', title: 'Interval' },
  { kind: 'uuid', title: 'UUID' },
  { kind: 'json', title: 'JSON' },
  { kind: 'bytes', title: 'Bytes' },
];

export interface Digits {
  precision: number;
  scale: number;
}

/** kindOf is the kind in a type's text form. */
export function kindOf(type: string): string {
  return /^[a-z0-9]*/.exec(type.trim())![0];
}

/** digitsOf reads decimal(precision,scale). */
export function digitsOf(type: string): Digits {
  const found = /^decimal\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$/.exec(type.trim());
  return { precision: Number(found?.[1] ?? 18), scale: found ? Number(found[2] ?? 0) : 2 };
}

/** typeWith gives a kind its parameters. */
export function typeWith(kind: string, digits: Digits = { precision: 18, scale: 2 }): string {
  if (kind !== 'decimal') return kind;
  const precision = Math.min(38, Math.max(1, Math.trunc(digits.precision) || 1));
  return `decimal(${precision},${Math.min(precision, Math.max(0, Math.trunc(digits.scale) || 0))})`;
}

/** familyOf groups types by how their values are compared and drawn. */
export function familyOf(type: string): Family {
  const kind = kindOf(type);
  if (/^(int\d+|decimal|double)$/.test(kind)) return 'number';
  if (/^(date|time|timestamp|timestamptz)$/.test(kind)) return 'time';
  if (kind === 'boolean') return 'boolean';
  return kind === 'text' || kind === 'uuid' ? 'text' : 'other';
}

/** signOf is the short sign of a type in headers and pickers; the type's name is always told beside it. */
export function signOf(type: string): string {
  const kind = kindOf(type);
  const signs: Record<string, string> = { decimal: '1.0', double: '~1', boolean: '✓✗', text: 'Aa', uuid: '#', json: '{ }', list: '[ ]', struct: '{ }', bytes: '01' };
  if (/^int\d+$/.test(kind)) return '123';
  if (kind === 'date') return 'D';
  if (/^time/.test(kind)) return 'T';
  if (kind === 'interval') return '±T';
  return signs[kind] ?? '?';
}

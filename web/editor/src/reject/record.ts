// How a refused record is shown: all of it as text, and the value that was refused marked.

import type { Reject } from '../api/types';

export interface Part {
  text: string;
  bad?: boolean; // the value that was refused
  name?: boolean; // of a field
}

/** partsOf cuts a record into what is shown plainly and what is marked. */
export function partsOf(reject: Reject): Part[] {
  if (reject.rawBytes) return [{ text: `base64 ${reject.rawBytes}` }];
  const raw = reject.raw ?? '';
  const fields = fieldsOf(raw);
  if (fields && fields.every(([, value]) => value === null || typeof value === 'string')) {
    return fields.flatMap(([name, value]) => {
      const bad = name === reject.field;
      return [{ text: `${name}: `, name: true }, { text: value === null ? 'null' : String(value), ...(bad ? { bad } : {}) }, { text: '  ' }];
    }).slice(0, -1);
  }
  const value = refusedValue(reject.reason);
  const at = value ? placeOf(raw, value) : -1;
  if (at < 0) return [{ text: raw }];
  return [{ text: raw.slice(0, at) }, { text: raw.slice(at, at + value!.length), bad: true }, { text: raw.slice(at + value!.length) }].filter((part) => part.text !== '');
}

/** fieldsOf are the members of a record that is a JSON object, in their order. */
function fieldsOf(raw: string): [string, unknown][] | null {
  if (!raw.startsWith('{')) return null;
  try {
    return Object.entries(JSON.parse(raw) as Record<string, unknown>);
  } catch {
    return null;
  }
}

/** refusedValue is the value that a reason begins with: "n/a" is not a number. */
function refusedValue(reason: string): string | null {
  const found = /^"((?:[^"\\]|\\.)+)"/.exec(reason);
  if (!found) return null;
  try {
    return JSON.parse(`"${found[1]!}"`) as string;
  } catch {
    return null;
  }
}

/** placeOf finds a value that stands alone: between delimiters, quotes or the ends. */
function placeOf(raw: string, value: string): number {
  const edge = (c: string | undefined) => c === undefined || !/[\p{L}\p{N}]/u.test(c);
  for (let at = raw.indexOf(value); at >= 0; at = raw.indexOf(value, at + 1)) {
    if (edge(raw[at - 1]) && edge(raw[at + value.length])) return at;
  }
  return raw.indexOf(value);
}

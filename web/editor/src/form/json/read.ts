// Reads JSON as it is written: numbers keep their digits, and a text that was cut gives what is there before its end.

export type Json =
  | { kind: 'text' | 'number' | 'boolean'; text: string }
  | { kind: 'null' }
  | { kind: 'list'; items: Json[] }
  | { kind: 'object'; members: [string, Json][] };

const deepest = 100;

/** readJson answers undefined where the text is no JSON from its beginning on. */
export function readJson(text: string): Json | undefined {
  let at = 0;
  const space = () => {
    while (' \n\r\t'.includes(text[at] ?? 'x')) at++;
  };
  const token = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const string = (): string | undefined => {
    const raw = token(/"(?:[^"\\]|\\.)*"/y);
    if (raw === undefined) return undefined;
    try {
      return JSON.parse(raw) as string;
    } catch {
      return undefined;
    }
  };
  const value = (depth: number): Json | undefined => {
    space();
    const first = text[at];
    if (first === '"') {
      const s = string();
      return s === undefined ? undefined : { kind: 'text', text: s };
    }
    if ((first === '{' || first === '[') && depth < deepest) return first === '{' ? object(depth) : list(depth);
    const word = token(/true|false|null/y);
    if (word !== undefined) return word === 'null' ? { kind: 'null' } : { kind: 'boolean', text: word };
    const number = token(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y);
    return number === undefined || at === text.length && depth > 0 ? undefined : { kind: 'number', text: number };
  };
  // parts reads up to the end of an object or a list, or of the text.
  const parts = (end: string, part: () => boolean) => {
    at++;
    for (;;) {
      space();
      if (text[at] === end) {
        at++;
        return;
      }
      if (!part()) {
        at = text.length; // it was cut, or is no JSON from here on
        return;
      }
      space();
      if (text[at] === ',') at++;
    }
  };
  const object = (depth: number): Json => {
    const members: [string, Json][] = [];
    parts('}', () => {
      const key = string();
      space();
      if (key === undefined || text[at++] !== ':') return false;
      const v = value(depth + 1);
      if (v === undefined) return false;
      members.push([key, v]);
      return true;
    });
    return { kind: 'object', members };
  };
  const list = (depth: number): Json => {
    const items: Json[] = [];
    parts(']', () => {
      const v = value(depth + 1);
      if (v === undefined) return false;
      items.push(v);
      return true;
    });
    return { kind: 'list', items };
  };
  return value(0);
}

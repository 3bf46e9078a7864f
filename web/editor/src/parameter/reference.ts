// ${name} in the text of a setting: what is being written at the cursor, what fits there, and what means nothing. No DOM.

import type { Parameter } from '../model/document';
import { textOf } from './parameter';

export interface Written {
  from: number; // of ${
  to: number; // behind the name, and behind its }
  typed: string;
}

/** writtenAt is the reference that is being written before the cursor; $${ is ${ itself. */
export function writtenAt(text: string, cursor: number): Written | undefined {
  const begun = /(\$+)\{([A-Za-z0-9_]*)$/.exec(text.slice(0, cursor));
  if (!begun || begun[1]!.length % 2 === 0) return undefined;
  const rest = /^[A-Za-z0-9_]*\}?/.exec(text.slice(cursor))![0];
  return { from: cursor - begun[2]!.length - 2, to: cursor + rest.length, typed: begun[2]! };
}

export interface ParameterChoice {
  name: string;
  detail: string; // type, default; that it is secret
  refused: boolean; // it may not stand in this setting
}

/** choicesOf lists the parameters whose name contains what is typed, beginnings first; those that may not stand there come last. */
export function choicesOf(parameters: readonly Parameter[], typed: string, secrets: boolean): ParameterChoice[] {
  const place = (p: Parameter) => p.name.toLowerCase().indexOf(typed.toLowerCase());
  const refused = (p: Parameter) => (p.secret ?? false) && !secrets;
  return parameters.filter((p) => place(p) >= 0)
    .sort((a, b) => Number(refused(a)) - Number(refused(b)) || Number(place(a) > 0) - Number(place(b) > 0) || a.name.localeCompare(b.name))
    .map((p) => ({ name: p.name, refused: refused(p), detail: detailOf(p, secrets) }));
}

/** referencesIn completes a whole text whose end is a reference that is being written. */
export function referencesIn(parameters: readonly Parameter[]): (typed: string) => { value: string; detail: string }[] | undefined {
  return (typed) => {
    const written = writtenAt(typed, typed.length);
    return written && choicesOf(parameters, written.typed, false).filter((c) => !c.refused).map((c) => ({ value: `${typed.slice(0, written.from)}\${${c.name}}`, detail: c.detail }));
  };
}

/** detailOf says what a parameter is: "date · 2026-01-31", "text · secret". */
export function detailOf(p: Parameter, secrets: boolean): string {
  const value = p.secret ? (secrets ? 'secret' : 'secret: not in this setting') : p.default === undefined ? 'no default' : textOf(p.default) || 'empty';
  return `${p.type} · ${value.length > 40 ? `${value.slice(0, 39)}…` : value}`;
}

/** partsOf cuts a text into what refers to no parameter that there is, and the rest. */
export function partsOf(text: string, parameters: readonly Parameter[]): { text: string; unknown: boolean }[] {
  const parts: { text: string; unknown: boolean }[] = [];
  let at = 0;
  for (const found of text.matchAll(/\$\$\{|\$\{([^}]*)\}/g)) {
    const name = found[1]?.split(':')[0]; // behind it a format
    if (name === undefined || /^(run|cursor)\./.test(name) || parameters.some((p) => p.name === name)) continue; // the check knows which facts there are
    if (found.index > at) parts.push({ text: text.slice(at, found.index), unknown: false });
    parts.push({ text: found[0], unknown: true });
    at = found.index + found[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), unknown: false });
  return parts;
}

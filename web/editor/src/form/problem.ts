import { quoteName, quoteText, unitAt } from '../expression/token';
import type { FlowError as Problem } from '../api/types';
import { formatPath, parsePath, put, valueAt, within } from './path';

export type { FlowError as Problem } from '../api/types';

/** problemsAt are those that stand at exactly this setting. */
export function problemsAt<P extends Problem>(problems: readonly P[], path: string): P[] {
  return problems.filter((p) => (p.path?.field ?? '') === path);
}

/** problemsWithin are those of a setting and of everything inside it. */
export function problemsWithin<P extends Problem>(problems: readonly P[], path: string): P[] {
  return problems.filter((p) => within(p.path?.field ?? '', path));
}

/** proposal is the word of a suggestion `did you mean "word"?`, undefined for other suggestions. */
export function proposal(problem: Problem): string | undefined {
  const found = /^(?:did you mean|write) ("(?:[^"\\]|\\.)*")\??$/.exec(problem.suggestion ?? '');
  if (!found || (problem.suggestion!.startsWith('write') && problem.code !== 'config.capitals')) return undefined;
  try {
    return JSON.parse(found[1]!) as string;
  } catch {
    return undefined; // an escape that only Go writes
  }
}

/** applyProposal changes the config as the suggestion says. It answers false where the place is no longer what it was. */
export function applyProposal(config: Record<string, unknown>, problem: Problem): boolean {
  const word = proposal(problem);
  const path = problem.path?.field;
  if (word === undefined || !path) return false;
  if (problem.code === 'config.unknown' || problem.code === 'config.capitals') return rename(config, path, word);
  const value = valueAt(config, path);
  if (typeof value === 'string') {
    const replaced = replaceIn(value, problem, word);
    if (replaced === undefined) return false;
    put(config, path, replaced);
    return true;
  }
  if (isReference(value)) {
    put(config, path, { parameter: word });
    return true;
  }
  return false;
}

function isReference(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'parameter' in value;
}

function replaceIn(value: string, problem: Problem, word: string): string | undefined {
  const { offset, length } = problem.path!;
  if (offset && length) {
    const from = unitAt(value, offset);
    const to = unitAt(value, offset + length);
    return value.slice(0, from) + spelt(problem.code, value.slice(from, to), word) + value.slice(to);
  }
  if (problem.code === 'expr.unknown_parameter') {
    const wrong = /"([^"]*)"/.exec(problem.message)?.[1];
    return wrong && value.includes(`\${${wrong}}`) ? value.replace(`\${${wrong}}`, () => `\${${word}}`) : undefined;
  }
  return word;
}

/** spelt writes the word as the expression needs it in the place of what stood there. */
function spelt(code: string, old: string, word: string): string {
  if (code === 'expr.unknown_parameter') return '$' + word.replace(/^\$/, '');
  if (old.startsWith("'")) return quoteText(word);
  if (code === 'expr.unknown_function') return old.endsWith('(') ? word + '(' : word;
  return quoteName(word);
}

function rename(config: Record<string, unknown>, path: string, name: string): boolean {
  const value = valueAt(config, path);
  if (value === undefined) return false;
  const steps = parsePath(path);
  steps[steps.length - 1] = name;
  put(config, path, undefined);
  put(config, formatPath(steps), value);
  return true;
}

/** sentence writes a message of the server as a sentence: a capital first, a full stop last. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed) return '';
  return trimmed[0]!.toUpperCase() + trimmed.slice(1) + (/[.!?…]$/.test(trimmed) ? '' : '.');
}

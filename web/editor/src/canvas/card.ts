// What a node card says, without drawing it.

import type { Catalogue, FlowError, NodeState, NodeType } from '../api/types';
import { looseInputs } from '../model/connect';
import { titleOf, typeOf, type Config, type FlowDocument, type FlowNode } from '../model/document';

interface Schema {
  'x-order'?: string[];
  properties?: Record<string, { type?: string; title?: string; 'x-advanced'?: boolean; 'x-widget'?: string; 'x-showIf'?: string; default?: unknown }>;
  required?: string[];
}

/** summaryOf says in a line what a node's settings are. */
export function summaryOf(type: NodeType | undefined, config: Config = {}): string {
  const schema = (type?.schema ?? {}) as Schema;
  const names = schema['x-order'] ?? Object.keys(schema.properties ?? config);
  const parts: string[] = [];
  for (const name of names) {
    const hints = schema.properties?.[name];
    if (hints?.['x-advanced'] || hints?.['x-widget'] === 'options' || hints?.['x-widget'] === 'fields') continue;
    const text = phrase(config[name], hints?.title ?? name);
    if (text && parts.push(text) === 2) break;
  }
  return parts.join(' · ').replace(/\s+/g, ' ').slice(0, 200);
}

function phrase(value: unknown, title: string): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number') return `${title} ${value}`;
  if (typeof value === 'object' && value !== null && typeof (value as { parameter?: unknown }).parameter === 'string') return `${title} $${(value as { parameter: string }).parameter}`;
  if (Array.isArray(value)) return value.map(item).filter(Boolean).slice(0, 4).join(', ');
  return '';
}

function item(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  const { name, expression, function: fn, in: left = (value as Record<string, unknown>)['left'], reference: right = (value as Record<string, unknown>)['right'], field, type, as, descending } = value as Record<string, unknown>;
  if (typeof left === 'string' && typeof right === 'string') return left === right ? left : `${left} = ${right}`;
  if (typeof name === 'string' && typeof expression === 'string') return `${name} = ${expression}`;
  if (typeof name === 'string' && typeof fn === 'string') return `${name} = ${fn}(${typeof field === 'string' ? field : ''})`;
  if (typeof name === 'string' && typeof type === 'string') return `${name} as ${type}`;
  if (typeof name === 'string' && typeof as === 'string' && as) return `${name} as ${as}`;
  const word = [field, expression, name].find((w) => typeof w === 'string' && w !== '') as string | undefined;
  return word ? (descending === true ? `${word} ↓` : word) : '';
}

/** missingSettings are required members that are empty. */
export function missingSettings(type: NodeType | undefined, config: Config = {}): string[] {
  const schema = (type?.schema ?? {}) as Schema;
  return (schema.required ?? []).filter((name) => {
    const value = config[name] ?? schema.properties?.[name]?.default;
    return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
  });
}

export interface CardState {
  /** as the tokens name it */
  look: 'idle' | 'queued' | 'running' | 'succeeded' | 'warning' | 'failed' | 'skipped';
  word: string;
}

export interface Card {
  title: string;
  typeTitle: string;
  category: string;
  summary: string;
  error: string; // the first one
  errors: number;
  warnings: number;
  loose: readonly string[]; // required inputs without an edge
  configured: boolean;
  disabled: boolean;
  known: boolean;
  target: boolean; // records end there
}

/** cardOf gathers what a card shows of the document and of what was found: by the check, and by the newest preview. */
export function cardOf(doc: FlowDocument, catalogue: Catalogue, node: FlowNode, problems: readonly FlowError[]): Card {
  const type = typeOf(catalogue, node.type);
  const loose = node.disabled ? [] : looseInputs(doc, catalogue, node.id);
  const missing = missingSettings(type, node.config);
  const errors = problems.filter((p) => p.severity !== 'warning');
  const required = (p: FlowError) => p.code === 'config.required';
  const real = errors.filter((p) => !required(p) && p.path?.port === undefined); // what is only not done yet is no error of the card
  return {
    title: titleOf(node),
    typeTitle: type?.title ?? node.type,
    category: type?.category ?? 'control',
    summary: summaryOf(type, node.config),
    error: type ? (real[0]?.message ?? '') : `This server does not know the node type "${node.type}".`,
    errors: errors.length,
    warnings: problems.length - errors.length,
    loose,
    configured: missing.length === 0 && loose.length === 0 && !errors.some(required),
    disabled: node.disabled ?? false,
    known: type !== undefined,
    target: type !== undefined && type.outputs.length === 0,
  };
}

/** stateOf is the badge: of the run where there is one, else of the check. sample: the run writes nothing. */
export function stateOf(card: Card, run: { state: NodeState; reason?: string | undefined; rejected?: number | undefined } | undefined, queued: boolean, sample = false): CardState {
  if (sample && card.target && run?.state === 'done') return { look: 'idle', word: 'Not written' };
  if (run) {
    switch (run.state) {
      case 'running': return { look: 'running', word: 'Running' };
      case 'failed': return { look: 'failed', word: 'Failed' };
      case 'skipped': return { look: 'skipped', word: 'Skipped' };
      case 'done': return run.rejected ? { look: 'warning', word: 'Rejects' } : { look: 'succeeded', word: 'Done' };
      case 'ready': if (queued) return { look: 'queued', word: 'Queued' };
    }
  }
  if (card.disabled) return { look: 'skipped', word: 'Disabled' };
  if (card.error) return { look: 'failed', word: card.errors > 1 ? `${card.errors} errors` : 'Error' };
  if (!card.configured) return { look: 'idle', word: card.loose.length > 0 ? 'Connect' : 'Set up' };
  if (card.warnings > 0) return { look: 'warning', word: card.warnings === 1 ? '1 warning' : `${card.warnings} warnings` };
  return { look: 'idle', word: 'Ready' };
}

/** problemsByNode groups findings once per answer of the check. */
const groups = new WeakMap<readonly FlowError[], Map<string, FlowError[]>>();
const none: readonly FlowError[] = [];

export function problemsOf(problems: readonly FlowError[], node: string): readonly FlowError[] {
  let group = groups.get(problems);
  if (!group) {
    group = new Map();
    for (const problem of problems) {
      const id = problem.path?.node;
      if (!id) continue;
      const list = group.get(id);
      if (list) list.push(problem);
      else group.set(id, [problem]);
    }
    groups.set(problems, group);
  }
  return group.get(node) ?? none;
}

/** merged adds what a preview found to what the check knows; both may say the same. */
export function merged(checked: readonly FlowError[], previewed: readonly FlowError[]): readonly FlowError[] {
  const more = previewed.filter((p) => !checked.some((c) => c.message === p.message));
  return more.length > 0 ? [...checked, ...more] : checked;
}

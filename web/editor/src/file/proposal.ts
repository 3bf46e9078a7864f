import type { FileField, Proposal } from '../api/types';
import type { Config } from '../model/document';
import { kindOf } from '../form/type';

/** useProposal writes what inspecting a file proposed into a config; formats that carry their own schema leave no fields behind. */
export function applyInspection(config: Config, path: string, proposal: Proposal, fields: readonly FileField[]): void {
  config.path = path;
  config.format = proposal.format;
  const options = proposal.options as Record<string, unknown> | undefined;
  if (options && Object.keys(options).length > 0) config.options = { ...options };
  else delete config.options;
  if (fields.length > 0) config.fields = fields.map(clean);
  else delete config.fields;
}

/** clean leaves out what does not belong to the type: a zone or a format of a number means nothing. */
function clean(field: FileField): FileField {
  const { format, zone, ...rest } = field;
  const kind = kindOf(field.type);
  const timed = /^(date|time)/.test(kind);
  return { ...rest, ...(timed && format ? { format } : {}), ...(/^timestamp/.test(kind) && zone ? { zone } : {}) };
}

/** sampleOf makes the grid's data of a proposal's sample: as text, since nothing has been converted yet. */
export function sampleOf(proposal: Proposal, fields: readonly FileField[]): { schema: { name: string; type: string }[]; rows: string[][] } {
  return { schema: fields.map((f) => ({ name: f.name, type: 'text' })), rows: proposal.sample ?? [] };
}

/** wrongNames says what keeps names from being used: empty ones, and those that occur twice. */
export function wrongNames(fields: readonly FileField[]): string | undefined {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (name.trim() === '') return 'Every field needs a name.';
    if (seen.has(name)) return `Two fields are named ${JSON.stringify(name)}.`;
    seen.add(name);
  }
  return undefined;
}

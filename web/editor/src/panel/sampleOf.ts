import type { Client } from '../api/client';
import { edgesInto } from '../model/document';
import type { Editor } from '../model/editor';
import { known, type Session } from '../shell/session';

const most = 200; // records that are looked at

/** readField reads what a field holds in the first records that arrive at a node; the preview that it asks for has no effects. */
export async function readField(client: Client, session: Session, editor: Editor, node: string, field: string): Promise<readonly (string | null)[]> {
  const { document, environment, given, samples } = editor.state;
  const from = edgesInto(document, node)[0]?.from;
  if (!from) throw new Error('connect the input first');
  const { outputs } = await client.preview({ document, node: from.node, flow: session.flow, limit: most, samples, ...(environment ? { environment } : {}), parameters: known(document, given) });
  const sample = (outputs ?? []).find((o) => o.port === from.port);
  const at = sample?.schema.findIndex((f) => f.name === field) ?? -1;
  if (!sample || at < 0) throw new Error(`there is no field "${field}" at the input`);
  return sample.rows.map((row) => row[at] ?? null);
}

import type { ReactNode } from 'react';
import type { Reject } from '../api/types';
import { sentence } from '../form/problem';
import { exact } from '../live/number';
import { useEditor } from '../shell/editor';
import { nodeTitle } from './use';

/** RejectTable lists refused records: why, where they come from, and the record itself as text. */
export function RejectTable({ rejects }: { rejects: readonly Reject[] }): ReactNode {
  const document = useEditor((s) => s.document);
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Refused records">
      <table className="table">
        <thead><tr><th scope="col">Node</th><th scope="col">Reason</th><th scope="col">Field</th><th scope="col">Place</th><th scope="col">Record</th></tr></thead>
        <tbody>
          {rejects.map((r, i) => (
            <tr key={i}>
              <td>{nodeTitle(document, r.node)}</td>
              <td>{sentence(r.reason)} <span className="faint">{r.code}</span></td>
              <td><code>{r.field}</code></td>
              <td>{placeOf(r)}</td>
              <td><code className="raw" tabIndex={0}>{r.rawBytes ? `base64 ${r.rawBytes}` : r.raw}</code></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** placeOf tells where a record stands: "orders.csv, line 17 (record 16)". */
export function placeOf({ file, line, record }: Pick<Reject, 'file' | 'line' | 'record'>): string {
  const lines = line ? `line ${exact(line)}` : '';
  const records = record ? (line ? `(record ${exact(record)})` : `record ${exact(record)}`) : '';
  const within = [lines, records].filter(Boolean).join(' ');
  return [file, within].filter(Boolean).join(', ');
}

import { useSyncExternalStore, type ReactNode } from 'react';
import { sentence } from '../form/problem';
import type { Upload, UploadQueue } from './queue';
import { sizeOf } from './send';

/** UploadList shows how far each file is, and what can be done about one that was not taken. */
export function UploadList({ queue }: { queue: UploadQueue }): ReactNode {
  const uploads = useSyncExternalStore(queue.subscribe, () => queue.uploads);
  if (uploads.length === 0) return null;
  return <ul className="uploads" aria-label="Uploads">{uploads.map((u) => <Row key={u.id} upload={u} queue={queue} />)}</ul>;
}

function Row({ upload, queue }: { upload: Upload; queue: UploadQueue }): ReactNode {
  const { id, file, path, state, sent, reason } = upload;
  return (
    <li data-state={state}>
      <span className="upload-name">{path}</span>
      {state === 'sending' && <progress max={file.size || 1} value={sent} aria-label={`Upload of ${path}`} />}
      <span className="upload-fact" role={state === 'failed' || state === 'exists' ? 'alert' : undefined}>{factOf(upload)}{reason && ` ${sentence(reason)}`}</span>
      {(state === 'sending' || state === 'waiting') && <button type="button" className="form-button" onClick={() => queue.stop(id)}>Stop</button>}
      {state === 'failed' && <button type="button" className="form-button" onClick={() => queue.again(id, false)}>Try again</button>}
      {state === 'exists' && (
        <>
          <button type="button" className="form-button" onClick={() => queue.again(id, true)}>Replace it</button>
          <button type="button" className="form-button" onClick={() => queue.keepBoth(id)}>Keep both</button>
        </>
      )}
    </li>
  );
}

function factOf({ state, sent, file }: Upload): string {
  switch (state) {
    case 'waiting': return 'Waiting';
    case 'sending': return `${sizeOf(sent)} of ${sizeOf(file.size)}`;
    case 'done': return `✓ ${sizeOf(file.size)}`;
    case 'exists': return '▲ Not sent.';
    case 'failed': return '✕';
  }
}

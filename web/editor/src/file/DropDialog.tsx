import { useEffect, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import type { Client } from '../api/client';
import { Dialog } from './Dialog';
import { sendTo, UploadQueue } from './queue';
import { UploadList } from './UploadList';

interface Props {
  client: Client;
  files: readonly File[];
  onSent(paths: string[]): void;
  onClose(): void;
}

/** DropDialog sends dropped files into the data folder and shows how far they are. */
export function DropDialog({ client, files, onSent, onClose }: Props): ReactNode {
  const queue = useMemo(() => new UploadQueue(sendTo(client)), [client]);
  const uploads = useSyncExternalStore(queue.subscribe, () => queue.uploads);
  useEffect(() => {
    queue.add(files, '');
    return () => queue.stopAll();
  }, [queue]);
  const done = uploads.filter((u) => u.state === 'done');
  const open = uploads.some((u) => u.state === 'waiting' || u.state === 'sending');
  const finish = () => onSent(done.map((u) => u.entry?.path ?? u.path));
  useEffect(() => {
    if (uploads.length > 0 && done.length === uploads.length) finish();
  }, [uploads]);
  const close = () => {
    queue.stopAll();
    if (done.length > 0) finish();
    else onClose();
  };
  return (
    <Dialog title={files.length === 1 ? `Upload ${files[0]!.name}` : `Upload ${files.length} files`} onClose={close}>
      <UploadList queue={queue} />
      <div className="file-dialog-foot">
        <button type="button" className="form-button" onClick={close}>{open ? 'Stop' : done.length > 0 ? 'Continue with what was sent' : 'Close'}</button>
      </div>
    </Dialog>
  );
}

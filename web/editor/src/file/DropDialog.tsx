import { useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { Client } from '../api/client';
import { sentence } from '../form/problem';
import { useLoaded } from '../panel/use';
import { Dialog } from './Dialog';
import { sendTo, UploadQueue } from './queue';
import { sortedEntries } from './FilePicker';
import { UploadList } from './UploadList';

interface Props {
  client: Client;
  files: readonly File[];
  onSent(paths: string[]): void;
  onClose(): void;
}

/** DropDialog sends dropped files into a data folder. With one folder it begins by itself; else the builder chooses. */
export function DropDialog({ client, files, onSent, onClose }: Props): ReactNode {
  const { value, reason, again } = useLoaded('folders', (signal) => client.files('', signal));
  const queue = useMemo(() => new UploadQueue(sendTo(client)), [client]);
  const uploads = useSyncExternalStore(queue.subscribe, () => queue.uploads);
  const [chosen, setChosen] = useState<string | null>(null);
  const folders = sortedEntries((value?.entries ?? []).filter((e) => e.folder), '');
  const start = (folder: string) => {
    setChosen(folder);
    queue.add(files, folder);
  };
  useEffect(() => {
    if (chosen === null && value && folders.length === 1) start(folders[0]!.path);
    if (chosen === null && value && folders.length === 0) start(value.path);
  }, [value]);
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
      {reason && <p className="form-problem" data-severity="error" role="alert"><span aria-hidden="true">✕</span>{sentence(reason)} <button type="button" className="link" onClick={again}>Try again</button></p>}
      {chosen === null && folders.length > 1 && (
        <ul className="entries" aria-label="Data folders">
          {folders.map((f) => <li key={f.path}><button type="button" onClick={() => start(f.path)}><span aria-hidden="true">📁</span><span className="entry-name">{f.name}</span></button></li>)}
        </ul>
      )}
      <UploadList queue={queue} />
      <div className="file-dialog-foot">
        <button type="button" className="form-button" onClick={close}>{open ? 'Stop' : done.length > 0 ? 'Continue with what was sent' : 'Close'}</button>
      </div>
    </Dialog>
  );
}

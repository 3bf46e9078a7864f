import { useState, type ReactNode } from 'react';
import type { Client } from '../api/client';
import type { RejectSelection } from '../api/types';
import { Dialog } from '../file/Dialog';
import { sentence } from '../form/problem';
import '../form/form.css';
import { exact } from '../live/number';
import { reasonOf } from '../shell/session';

interface Props {
  client: Client;
  selection: RejectSelection;
  count: number;
  onClose(): void;
  onDone(): void;
}

/** DiscardDialog ends rejects that nobody needs, and asks why. */
export function DiscardDialog({ client, selection, count, onClose, onDone }: Props): ReactNode {
  const [comment, setComment] = useState('');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const discard = () => {
    setBusy(true);
    client.discard({ ...selection, comment }).then(onDone, (error: unknown) => {
      setReason(reasonOf(error));
      setBusy(false);
    });
  };
  return (
    <Dialog title={`Discard ${exact(count)} ${count === 1 ? 'record' : 'records'}`} onClose={onClose}>
      <form className="reject-dialog form" onSubmit={(e) => { e.preventDefault(); if (!busy) discard(); }}>
        <div className="form-field">
          <label className="form-label" htmlFor="discard-comment">Why are they not needed?<span className="form-required" title="Must be filled in"> *</span></label>
          <textarea id="discard-comment" className="form-input" rows={3} required autoFocus value={comment} onChange={(e) => setComment(e.target.value)} />
          <p className="form-help">The comment is kept with your name. Discarded records stay readable until the time that rejects are kept is over.</p>
        </div>
        {reason && <p role="alert" className="reject-failed">{sentence(reason)}</p>}
        <div className="file-dialog-foot"><button type="button" className="button" onClick={onClose}>Cancel</button><button type="submit" className="button danger" disabled={busy || comment.trim() === ''}>Discard</button></div>
      </form>
    </Dialog>
  );
}

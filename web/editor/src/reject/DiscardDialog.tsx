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
  again?: boolean; // opens them again
  onClose(): void;
  onDone(): void;
}

/** DiscardDialog ends rejects that nobody needs, or opens them again of which a replay left nobody knows what, and asks why. */
export function DiscardDialog({ client, selection, count, again = false, onClose, onDone }: Props): ReactNode {
  const [comment, setComment] = useState('');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const verb = again ? 'Open again:' : 'Discard';
  const discard = () => {
    setBusy(true);
    (again ? client.reopen : client.discard)({ ...selection, comment }).then(onDone, (error: unknown) => {
      setReason(reasonOf(error));
      setBusy(false);
    });
  };
  return (
    <Dialog title={`${verb} ${exact(count)} ${count === 1 ? 'record' : 'records'}`} onClose={onClose}>
      <form className="reject-dialog form" onSubmit={(e) => { e.preventDefault(); if (!busy) discard(); }}>
        <div className="form-field">
          <label className="form-label" htmlFor="discard-comment">{again ? 'What did you find out?' : 'Why are they not needed?'}<span className="form-required" title="Must be filled in"> *</span></label>
          <textarea id="discard-comment" className="form-input" rows={3} required autoFocus value={comment} onChange={(e) => setComment(e.target.value)} />
          <p className="form-help">The comment is kept with your name. {again ? 'Look into the target first: a record that is there already would be written once more by the next replay, unless its key finds it.' : 'Discarded records stay readable until the time that rejects are kept is over.'}</p>
        </div>
        {reason && <p role="alert" className="reject-failed">{sentence(reason)}</p>}
        <div className="file-dialog-foot"><button type="button" className="button" onClick={onClose}>Cancel</button><button type="submit" className={again ? 'button primary' : 'button danger'} disabled={busy || comment.trim() === ''}>{again ? 'Open again' : 'Discard'}</button></div>
      </form>
    </Dialog>
  );
}

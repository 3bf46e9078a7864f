import type { ReactNode } from 'react';
import type { Move } from '../api/types';
import { sentence } from '../form/problem';
import { nodeOf, titleOf } from '../model/document';
import { moveInto } from '../model/operation';
import { useEditor, useServices } from '../shell/editor';

/** MoveField offers to move a filter behind a table into it, or says why it cannot; nothing for other nodes. */
export function MoveField({ node }: { node: string }): ReactNode {
  const { editor } = useServices();
  const move: Move | undefined = useEditor((s) => s.check.moves.find((m) => m.node === node));
  const into = useEditor((s) => {
    const source = move && nodeOf(s.document, move.into);
    return source ? titleOf(source) : null;
  });
  const readOnly = useEditor((s) => s.readOnly);
  if (!move || into === null) return null;
  return (
    <div className="form-field" role="group" aria-label="Filter in the database">
      <span className="form-label">Filter in the database</span>
      {move.where
        ? <><button type="button" className="form-button" disabled={readOnly} onClick={() => moveInto(editor, move)}>Move into {into}</button>
          <p className="form-help">The database then sends only the records that pass. The condition means exactly the same there.</p></>
        : <p className="form-help">It cannot move into {into}: {sentence(move.reason ?? '')}</p>}
    </div>
  );
}

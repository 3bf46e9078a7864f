import type { FlowError } from '../api/types';
import { nodeOf } from '../model/document';
import type { Editor } from '../model/editor';

/** inOrder puts errors before warnings and keeps the order of the check otherwise. */
export function inOrder(problems: readonly FlowError[]): FlowError[] {
  return [...problems].sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
}

/** goTo opens the setting that a problem is about. It answers whether there is one. */
export function goTo(editor: Editor, problem: FlowError): boolean {
  const node = problem.path?.node;
  if (node === undefined || !nodeOf(editor.state.document, node)) return false;
  editor.openNode(node, problem.path?.field);
  return true;
}

const reached = new WeakMap<Editor, FlowError>(); // the problem that the walk went to last

/** walkProblems goes to the next problem, or back to the one before; behind the last comes the first. */
export function walkProblems(editor: Editor, step: 1 | -1): void {
  const problems = inOrder(editor.state.check.problems).filter((p) => p.path?.node !== undefined && nodeOf(editor.state.document, p.path.node));
  if (problems.length === 0) return editor.announce('No problems.');
  const last = reached.get(editor);
  const at = last ? problems.findIndex((p) => key(p) === key(last)) : -1;
  const next = problems[(at < 0 && step < 0 ? problems.length - 1 : at + step + problems.length) % problems.length]!;
  reached.set(editor, next);
  goTo(editor, next);
  editor.announce(next.message);
}

function key({ code, path, message }: FlowError): string {
  return [code, path?.node, path?.field, path?.offset, message].join('\n');
}

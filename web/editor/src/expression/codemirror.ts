// The code editor of expressions, a chunk of its own. It shows what the form says and tells the form what is typed; undo
// is the flow's own, so that there is one history.

import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { standardKeymap } from '@codemirror/commands';
import { Annotation, Compartment, EditorState, Prec, StateEffect, StateField, type Extension, type Range } from '@codemirror/state';
import { Decoration, EditorView, hoverTooltip, keymap, placeholder, ViewPlugin, type DecorationSet, type ViewUpdate } from '@codemirror/view';
import type { FlowError } from '../api/types';
import { sentence } from '../form/problem';
import { callAt, complete, type Option } from './completion';
import type { ExpressionProps } from './ExpressionField';
import { tokenize, unitAt } from './token';

export interface Handle {
  update(): void;
  destroy(): void;
}

const fromForm = Annotation.define<boolean>();
const setProblems = StateEffect.define<readonly FlowError[]>();

/** rangeOf is where a problem stands in a text; empty texts and unknown places have none. */
export function rangeOf(source: string, problem: FlowError): { from: number; to: number } | undefined {
  const { offset, length } = problem.path ?? {};
  if (!offset || source === '') return undefined;
  const from = Math.min(unitAt(source, offset), source.length - 1);
  const to = Math.min(source.length, Math.max(from + 1, unitAt(source, offset + (length ?? 1))));
  return { from, to };
}

interface Found {
  problems: readonly FlowError[];
  marks: DecorationSet;
}

const problemField = StateField.define<Found>({
  create: () => ({ problems: [], marks: Decoration.none }),
  update(found, transaction) {
    for (const effect of transaction.effects) if (effect.is(setProblems)) return marked(effect.value, transaction.state.doc.toString());
    return transaction.docChanged ? { ...found, marks: found.marks.map(transaction.changes) } : found;
  },
  provide: (field) => EditorView.decorations.from(field, (found) => found.marks),
});

function marked(problems: readonly FlowError[], source: string): Found {
  const ranges = problems.flatMap((problem): Range<Decoration>[] => {
    const range = rangeOf(source, problem);
    if (!range) return [];
    return [Decoration.mark({ class: 'cm-problem', attributes: { 'data-severity': problem.severity ?? 'error' } }).range(range.from, range.to)];
  });
  return { problems, marks: Decoration.set(ranges, true) };
}

const problemTooltip = hoverTooltip((view, at) => {
  const source = view.state.doc.toString();
  for (const problem of view.state.field(problemField).problems) {
    const range = rangeOf(source, problem);
    if (!range || at < range.from || at > range.to) continue;
    return { pos: range.from, end: range.to, above: true, create: () => ({ dom: text('cm-told', [sentence(problem.message), sentence(problem.suggestion ?? '')].filter(Boolean).join(' ')) }) };
  }
  return null;
});

function text(className: string, content: string): HTMLElement {
  const dom = document.createElement('div');
  dom.className = className;
  dom.textContent = content;
  return dom;
}

const classes = new Map(['field', 'function', 'keyword', 'parameter', 'number', 'text', 'broken'].map((kind) => [kind, Decoration.mark({ class: `tok-${kind}` })]));

const highlighter = ViewPlugin.fromClass(class {
  decorations: DecorationSet;
  constructor(view: EditorView) {
    this.decorations = colours(view);
  }
  update(update: ViewUpdate) {
    if (update.docChanged) this.decorations = colours(update.view);
  }
}, { decorations: (plugin) => plugin.decorations });

function colours(view: EditorView): DecorationSet {
  const tokens = tokenize(view.state.doc.toString());
  return Decoration.set(tokens.flatMap((t) => { const mark = classes.get(t.kind); return mark && t.to > t.from ? [mark.range(t.from, t.to)] : []; }));
}

function completions(props: () => ExpressionProps) {
  return (context: CompletionContext): CompletionResult | null => {
    const found = complete(context.state.doc.toString(), context.pos, props().scope, context.explicit);
    if (!found) return null;
    return { from: found.from, to: found.to, filter: false, options: found.options.slice(0, 100).map((option) => ({ label: option.label, detail: option.detail, type: option.kind, info: () => text('cm-help', option.info), apply: (view: EditorView, _: unknown, from: number, to: number) => put(view, option, from, to) })) };
  };
}

function put(view: EditorView, option: Option, from: number, to: number): void {
  let { insert } = option;
  if (option.kind === 'function' && view.state.sliceDoc(to, to + 1) === '(') insert = insert.slice(0, -2);
  view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + Math.min(option.cursor, insert.length) }, userEvent: 'input.complete' });
}

/** keys: undo belongs to the flow; Tab leaves the field, so that the keyboard is never caught. */
function keys(props: () => ExpressionProps): Extension {
  const undo = (redo: boolean) => () => {
    if (redo) props().onRedo();
    else props().onUndo();
    return true;
  };
  return [
    Prec.highest(keymap.of([
      { key: 'Mod-z', run: undo(false), shift: undo(true) },
      { key: 'Mod-y', run: undo(true) },
      { key: 'Mod-Enter', run: () => false },
    ])),
    keymap.of([...closeBracketsKeymap, ...completionKeymap, { key: 'Enter', run: acceptCompletion }, ...standardKeymap]),
  ];
}

function contentAttributes(props: ExpressionProps): Record<string, string> {
  const attributes: Record<string, string> = { id: props.id, 'aria-label': props.label, 'aria-multiline': 'true', spellcheck: 'false' };
  if (props.describedBy) attributes['aria-describedby'] = props.describedBy;
  if (props.invalid) attributes['aria-invalid'] = 'true';
  return attributes;
}

/** mountExpression puts the editor into an element. props always answers the newest ones. */
export function mountExpression(parent: HTMLElement, props: () => ExpressionProps, cursor?: number): Handle {
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
  const changing = new Compartment();
  const hint = text('expression-hint', '');
  hint.setAttribute('aria-hidden', 'true');
  const states = () => [EditorView.contentAttributes.of(contentAttributes(props())), EditorState.readOnly.of(props().readOnly ?? false), EditorView.editable.of(!props().readOnly)];
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: props().value,
      extensions: [
        nonce ? EditorView.cspNonce.of(nonce) : [],
        EditorView.lineWrapping, highlighter, problemField, problemTooltip, closeBrackets(), keys(props),
        autocompletion({ override: [completions(props)], icons: false, activateOnTyping: true }),
        placeholder(props().placeholder ?? ''), changing.of(states()),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !update.transactions.some((t) => t.annotation(fromForm))) props().onChange(update.state.doc.toString());
          if (update.docChanged || update.selectionSet || update.focusChanged) showCall(hint, update.view, props());
        }),
        EditorView.domEventHandlers({
          blur: () => props().onBlur(),
          beforeinput: (event) => {
            if (!event.inputType.startsWith('history')) return false;
            event.preventDefault(); // the browser's own history knows nothing of the flow
            if (event.inputType === 'historyRedo') props().onRedo();
            else props().onUndo();
            return true;
          },
        }),
      ],
    }),
  });
  parent.append(hint);
  if (cursor !== undefined) {
    view.dispatch({ selection: { anchor: Math.min(cursor, view.state.doc.length) } });
    view.focus();
  }
  let shown: readonly FlowError[] | undefined;
  let attributes = '';
  return {
    update() {
      const now = props();
      const doc = view.state.doc.toString();
      if (doc !== now.value) view.dispatch({ changes: { from: 0, to: doc.length, insert: now.value }, annotations: fromForm.of(true) });
      const next = JSON.stringify([contentAttributes(now), now.readOnly]);
      if (next !== attributes) view.dispatch({ effects: changing.reconfigure(states()) });
      attributes = next;
      if (now.problems !== shown) view.dispatch({ effects: setProblems.of(now.problems) });
      shown = now.problems;
    },
    destroy: () => {
      view.destroy();
      hint.remove();
    },
  };
}

/** showCall says below the field which arguments the function at the cursor takes. */
function showCall(hint: HTMLElement, view: EditorView, props: ExpressionProps): void {
  const call = view.hasFocus ? callAt(view.state.doc.toString(), view.state.selection.main.head, props.scope.functions) : undefined;
  hint.textContent = call ? `${call.help.name}${call.help.signatures[0] ?? ''} — ${call.help.help}` : '';
}

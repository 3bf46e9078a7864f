import { describe, expect, test } from 'vitest';
import { catalogue, flow, typeNamed } from './fixture';
import { Editor } from './editor';
import { edgeKey, type FlowDocument } from './document';
import { addAfter, addNode, clipOf, connect, insertNode, move, paste, readClip, removeSelected, rename, toggleDisabled } from './operation';

function setup(doc: FlowDocument = flow()) {
  const clock = { now: 0 };
  const editor = new Editor(doc, catalogue, { now: () => clock.now });
  return { editor, clock };
}

/** A small generator with a seed: a failure can be repeated. */
function random(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function anything(editor: Editor, pick: (n: number) => number): void {
  const { nodes, edges } = editor.state.document;
  const any = () => nodes[pick(nodes.length)]?.id ?? '';
  const some = () => new Set(nodes.filter(() => pick(4) === 0).map((n) => n.id));
  switch (pick(11)) {
    case 0: case 1: addAfter(editor, catalogue.nodes[pick(catalogue.nodes.length)]!, { x: pick(2000), y: pick(2000) }); break;
    case 2: connect(editor, { node: any(), port: ['out', 'unmatched', 'rejects'][pick(3)]! }, { node: any(), port: ['in', 'left', 'right'][pick(3)]! }); break;
    case 3: move(editor, new Map([[any(), { x: pick(999), y: pick(999) }]])); break;
    case 4: rename(editor, any(), `name ${pick(99)}`); break;
    case 5: toggleDisabled(editor, some()); break;
    case 6: paste(editor, clipOf(editor.state.document, new Set([...some()].slice(0, 3)))); break;
    case 7: editor.select(some(), edges.filter(() => pick(8) === 0).map(edgeKey)); removeSelected(editor, pick(2) === 0); break;
    case 8: editor.config(any(), 'Set', (config) => { config['condition'] = `x > ${pick(99)}`; config['list'] = Array.from({ length: pick(4) }, () => ({ name: String(pick(9)) })); }); break;
    case 9: if (edges.length > 0) addNode(editor, typeNamed('formula'), { at: { x: 1, y: 1 }, edge: edgeKey(edges[pick(edges.length)]!) }); break;
    case 10: editor.change('Rename the flow', (doc) => void (doc.name = String(pick(99)))); break;
  }
}

describe('undo', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('200 random commands undone and redone give the same documents (seed %i)', (seed) => {
    const { editor, clock } = setup();
    const pick = random(seed);
    const states = [editor.state.document];
    while (states.length <= 200) {
      clock.now += 1000;
      anything(editor, pick);
      if (editor.state.document !== states.at(-1)) states.push(editor.state.document);
    }
    for (let i = 199; i >= 0; i--) {
      expect(editor.undo()).toBe(true);
      expect(editor.state.document).toEqual(states[i]);
    }
    expect(editor.undo()).toBe(false);
    for (let i = 1; i <= 200; i++) {
      expect(editor.redo()).toBe(true);
      expect(editor.state.document).toEqual(states[i]);
    }
    expect(editor.redo()).toBe(false);
  });

  test('typing within 800 ms is one step, a pause begins another', () => {
    const { editor, clock } = setup();
    const type = (text: string) => editor.config('paid', 'Set condition', (c) => void (c['condition'] = text), { merge: 'paid.condition' });
    for (const text of ['a', 'ab', 'abc']) {
      type(text);
      clock.now += 500;
    }
    clock.now += 400;
    type('abcd');
    editor.undo();
    expect(editor.state.document.nodes[1]!.config).toEqual({ condition: 'abc' });
    editor.undo();
    expect(editor.state.document.nodes[1]!.config).toEqual({ condition: 'x > 1' });
    expect(editor.state.canUndo).toBeNull();
  });

  test('selection is not undone, and lets go of nodes that an undo takes away', () => {
    const { editor } = setup();
    const id = addNode(editor, typeNamed('filter'))!;
    expect([...editor.state.selection]).toEqual([id]);
    editor.undo();
    expect([...editor.state.selection]).toEqual([]);
    editor.select(['paid']);
    editor.redo();
    expect([...editor.state.selection]).toEqual(['paid']);
  });

  test('a change that changes nothing is no step, and a read-only flow takes none', () => {
    const { editor } = setup();
    expect(editor.change('Nothing', (doc) => void (doc.name = 'Orders'))).toBe(false);
    expect(editor.state.canUndo).toBeNull();
    editor.set({ readOnly: true });
    expect(editor.change('Rename', (doc) => void (doc.name = 'x'))).toBe(false);
  });

  test('members that nobody knows survive every change', () => {
    const doc = { ...flow(), later: { a: [1] } } as FlowDocument;
    Object.assign(doc.nodes[0]!, { colour: 'red' });
    Object.assign(doc.edges[0]!, { label: 'x' });
    const { editor } = setup(doc);
    addAfter(editor, typeNamed('filter'), { x: 0, y: 0 });
    rename(editor, 'orders', 'New');
    expect(editor.state.document).toMatchObject({ later: { a: [1] }, nodes: [{ colour: 'red', name: 'New' }, {}, {}, {}, {}], edges: [{ label: 'x' }, {}, {}] });
  });
});

describe('operations', () => {
  test('a node is added after the selected one and connected to it', () => {
    const { editor } = setup();
    editor.select(['paid']);
    const id = addAfter(editor, typeNamed('aggregate'), { x: 0, y: 0 })!;
    expect(editor.state.document.edges.at(-1)).toEqual({ from: { node: 'paid', port: 'unmatched' }, to: { node: id, port: 'in' } });
    expect([...editor.state.selection]).toEqual([id]);
  });

  test('a source is not connected to what is selected', () => {
    const { editor } = setup();
    editor.select(['paid']);
    addAfter(editor, typeNamed('file.input'), { x: 0, y: 0 });
    expect(editor.state.document.edges).toHaveLength(3);
  });

  test('a node inserted into an edge stands between its ends', () => {
    const { editor } = setup();
    const id = addNode(editor, typeNamed('formula'), { at: { x: 0, y: 300 } })!;
    expect(insertNode(editor, id, 'paid.out>net.in')).toBe(true);
    const keys = editor.state.document.edges.map(edgeKey);
    expect(keys).toContain(`paid.out>${id}.in`);
    expect(keys).toContain(`${id}.out>net.in`);
    expect(keys).not.toContain('paid.out>net.in');
    editor.undo();
    expect(editor.state.document.edges.map(edgeKey)).toContain('paid.out>net.in');
  });

  test('delete can connect the neighbours of several nodes in a row', () => {
    const { editor } = setup();
    editor.select(['paid', 'net']);
    removeSelected(editor, true);
    expect(editor.state.document.edges.map(edgeKey)).toEqual(['orders.out>out.in']);
    expect(Object.keys(editor.state.document.layout!.nodes!)).toEqual(['orders', 'out']);
  });

  test('what is copied can be pasted elsewhere, twice, under its own ids', () => {
    const a = setup().editor;
    const text = JSON.stringify(clipOf(a.state.document, new Set(['paid', 'net'])));
    const b = setup().editor;
    paste(b, readClip(text)!);
    paste(b, readClip(text)!);
    const ids = b.state.document.nodes.map((n) => n.id);
    expect(ids).toEqual(['orders', 'paid', 'net', 'out', 'paid_2', 'net_2', 'paid_3', 'net_3']);
    expect(b.state.document.edges.map(edgeKey).slice(3)).toEqual(['paid_2.out>net_2.in', 'paid_3.out>net_3.in']);
    expect(b.state.document.nodes[4]!.config).toEqual({ condition: 'x > 1' });
    b.undo();
    expect(b.state.document.nodes).toHaveLength(6);
  });

  test.each(['', 'hello', '{', '{"nodes":[]}', '{"spark":"nodes","nodes":[],"edges":[]}', '{"spark":"nodes","nodes":[null,{"id":1}],"edges":[null]}', '[1]', 'null'])('other text is not pasted: %s', (text) => {
    expect(readClip(text)).toBeNull();
  });
});

test('a narrow window takes editing away, except for the decision of a conflict, and gives it back', () => {
  const { editor } = setup();
  rename(editor, 'paid', 'Paid');
  editor.setNarrow(true);
  rename(editor, 'paid', 'Other');
  expect([editor.undo(), editor.state.document.nodes[1]!.name, editor.state.left]).toEqual([false, 'Paid', null]);
  editor.replace('Take theirs', { ...flow(), name: 'Theirs' });
  expect(editor.state.document.name).toBe('Theirs');
  editor.setNarrow(false);
  expect(editor.undo() && editor.undo()).toBe(true);
  expect(editor.state.document).toEqual(flow());
  const page = new Editor(flow(), catalogue, { readOnly: true });
  page.setNarrow(true);
  page.setNarrow(false);
  expect(page.state.readOnly).toBe(true);
});

test('what happens together is one step, however long it takes; an undo meanwhile ends it', async () => {
  const { editor, clock } = setup();
  let go = () => {};
  const wait = new Promise<void>((resolve) => (go = resolve));
  const done = editor.together('Add a.csv', async () => {
    rename(editor, 'paid', 'Paid');
    clock.now += 60_000;
    await wait;
    rename(editor, 'net', 'Net');
    editor.seal();
  });
  expect(editor.state.canUndo).toBe('Add a.csv');
  go();
  await done;
  rename(editor, 'net', 'Later');
  editor.undo();
  expect([editor.state.canUndo, editor.state.document.nodes[2]!.name]).toEqual(['Add a.csv', 'Net']);
  editor.undo();
  expect(editor.state.document).toEqual(flow());
  editor.redo();
  expect(editor.state.document.nodes.map((n) => n.name)).toEqual(['orders', 'Paid', 'Net', 'out']);
  await editor.together('Undone', async () => {
    rename(editor, 'out', 'Out');
    editor.undo();
    rename(editor, 'out', 'Out 2');
  });
  expect(editor.state.canUndo).toBe('Rename');
});

test('typing after an undo is a step of its own', () => {
  const { editor } = setup();
  const type = (condition: string) => editor.config('paid', 'Set condition', (config) => void (config['condition'] = condition), { merge: 'c' });
  type('a');
  rename(editor, 'net', 'Net');
  editor.undo();
  type('ab'); // within a burst of the first letter
  editor.undo();
  expect(editor.state.document.nodes[1]!.config).toEqual({ condition: 'a' });
});

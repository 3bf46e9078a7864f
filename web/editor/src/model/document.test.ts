import { expect, test } from 'vitest';
import { catalogue, flow, typeNamed } from './fixture';
import { difference } from './difference';
import { documentOf, downstream, edgeKey, edgesOutOf, freeId, inputKeys, newNode, nodeOf, portsOf, upstream } from './document';
import { fits, freeOutput, looseInputs, typeFits, whyNot } from './connect';
import { Editor } from './editor';
import { positions, tidy } from '../canvas/tidy';
import { edgeNear } from '../canvas/geometry';
import { summaryOf, missingSettings } from '../canvas/card';
import { cardHeight, cardWidth } from '../canvas/view';

const end = (node: string, port: string) => ({ node, port });

test('ids come from titles and are free', () => {
  expect(freeId({ nodes: [] }, 'File Input')).toBe('file_input');
  expect(freeId({ nodes: [{ id: 'filter' }, { id: 'filter_2' }] }, 'Filter')).toBe('filter_3');
  expect(freeId({ nodes: [] }, '日本')).toBe('node');
  expect(newNode(flow(), typeNamed('filter'))).toMatchObject({ id: 'filter', name: 'Filter 2', type: 'filter', version: 1 });
});

test('null lists of a document become empty ones, other members stay', () => {
  expect(documentOf({ format: 1, name: 'x', nodes: null, edges: null, later: 1 })).toEqual({ format: 1, name: 'x', nodes: [], edges: [], later: 1 });
  expect(documentOf(null)).toEqual({ format: 1, name: '', nodes: [], edges: [] });
});

test('upstream and downstream', () => {
  expect([...upstream(flow(), 'net')].sort()).toEqual(['orders', 'paid']);
  expect([...downstream(flow(), 'paid')].sort()).toEqual(['net', 'out']);
});

test.each([
  ['paid', 'unmatched', 'net', 'in', 'The input "in" of net is connected already.'],
  ['paid', 'out', 'net', 'in', 'These ports are connected already.'],
  ['net', 'out', 'net', 'in', 'A node cannot read its own records.'],
  ['net', 'out', 'orders', 'in', 'orders reads no records.'],
  ['net', 'side', 'out', 'in', 'net has no output "side".'],
  ['gone', 'out', 'out', 'in', 'The node is gone.'],
])('%s.%s to %s.%s: %s', (a, b, c, d, why) => {
  expect(whyNot(flow(), catalogue, end(a, b), end(c, d))).toBe(why);
});

test('a circle is refused, a free input is taken', () => {
  const doc = flow();
  doc.nodes.push({ id: 'join', type: 'join', version: 1 });
  doc.edges.push({ from: end('net', 'rejects'), to: end('join', 'left') });
  expect(whyNot(doc, catalogue, end('paid', 'unmatched'), end('join', 'right'))).toBeNull();
  doc.edges = doc.edges.filter((edge) => edgeKey(edge) !== 'orders.out>paid.in');
  expect(whyNot(doc, catalogue, end('join', 'out'), end('paid', 'in'))).toBe('The records would run in a circle.');
  expect(looseInputs(doc, catalogue, 'join')).toEqual(['right']);
  expect(fits(doc, catalogue, { ...end('orders', 'out'), side: 'out' }, 'join')).toEqual({ port: 'right' });
  expect(fits(doc, catalogue, { ...end('orders', 'out'), side: 'out' }, 'net')).toEqual({ reason: 'The input "in" of net is connected already.' });
  expect(typeFits(typeNamed('file.input'), { side: 'out' })).toBe('It reads no records.');
  expect(typeFits(typeNamed('file.output'), { side: 'in' })).toBe('It passes no records on.');
});

test('a port that takes many edges takes each output once', () => {
  const doc = flow();
  doc.nodes.push({ id: 'all', type: 'union', version: 1 });
  doc.edges.push({ from: end('orders', 'out'), to: end('all', 'in') }, { from: end('net', 'out'), to: end('all', 'in') });
  expect(whyNot(doc, catalogue, end('paid', 'unmatched'), end('all', 'in'))).toBeNull();
  expect(whyNot(doc, catalogue, end('net', 'out'), end('all', 'in'))).toBe('These ports are connected already.');
  expect(inputKeys(doc, 'all').map(({ key, edge }) => `${key} from ${edge.from.node}`)).toEqual(['in from orders', 'in#2 from net']);
});

test('the cases of a config are ports; edges of one that is gone keep theirs', () => {
  const doc = flow();
  doc.nodes.push({ id: 'route', type: 'switch', version: 1, config: { cases: [{ name: 'large' }, { name: '' }, 7, { name: 'small' }, { name: 'large' }, { name: 'rejects' }, { name: 'otherwise' }] } });
  const ports = () => portsOf(doc, nodeOf(doc, 'route')!, catalogue).outputs.map((port) => port.name);
  expect(ports()).toEqual(['large', 'small', 'otherwise', 'rejects']);
  expect(freeOutput(doc, catalogue, 'route')).toBe('large');
  doc.edges.push({ from: end('route', 'small'), to: end('out', 'in') });
  nodeOf(doc, 'route')!.config = { cases: [{ name: 'large' }] };
  expect(ports()).toEqual(['large', 'otherwise', 'rejects', 'small']);
});

test('edges follow an output that gets another name, letter by letter, and stay where one is removed', () => {
  const doc = flow();
  doc.nodes.push({ id: 'route', type: 'switch', version: 1, config: { cases: [{ name: 'large' }, { name: 'small' }] } });
  doc.edges.push({ from: end('route', 'otherwise'), to: end('net', 'in') }, { from: end('route', 'small'), to: end('out', 'in') }, { from: end('route', 'large'), to: end('paid', 'in') });
  const editor = new Editor(doc, catalogue);
  const ports = () => edgesOutOf(editor.state.document, 'route').map((edge) => edge.from.port);
  const type = (name: string) => editor.config('route', 'Set Name', (config) => void ((config['cases'] as { name: string }[])[1]!.name = name), { merge: 'name' });
  for (const name of ['smal', 's', '', 't', 'tiny']) type(name);
  expect(ports()).toEqual(['otherwise', 'tiny', 'large']);
  type('large'); // there is one already: the check says so
  expect(ports()).toEqual(['otherwise', 'tiny', 'large']);
  type('larger');
  expect(ports()).toEqual(['otherwise', 'larger', 'large']);
  editor.undo();
  expect(ports()).toEqual(['otherwise', 'small', 'large']);
  editor.config('route', 'Remove', (config) => void (config['cases'] as unknown[]).pop());
  expect(ports()).toEqual(['otherwise', 'small', 'large']);
});

test('nodes without a place are laid out from left to right, without touching', async () => {
  const doc = { ...flow(), layout: {} };
  for (const places of [positions(doc), await tidy(doc, catalogue)]) {
    const xs = doc.nodes.map((node) => places.get(node.id)!.x);
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    expect(new Set(xs).size).toBe(4);
    expect([...places.values()].every((p) => p.x % 16 === 0 && p.y % 16 === 0)).toBe(true);
  }
});

test('an edge is found within its distance only', () => {
  const middle = { x: (cardWidth + 304) / 2, y: cardHeight / 2 - 6 };
  expect(edgeNear(flow(), catalogue, middle, 24)).toBe('orders.out>paid.in');
  expect(edgeNear(flow(), catalogue, { ...middle, y: middle.y + 60 }, 24)).toBeUndefined();
});

test('a card sums its settings up', () => {
  expect(summaryOf(typeNamed('filter'), { condition: "status =\n 'paid'" })).toBe("status = 'paid'");
  expect(summaryOf(undefined, { groupBy: ['region'], aggregates: [{ name: 'n', expression: 'count()' }] })).toBe('region · n = count()');
  expect(missingSettings(typeNamed('filter'), { condition: '' })).toEqual(['condition']);
});

test('the difference of two versions in words', () => {
  const theirs = flow();
  theirs.nodes[1]!.config = { condition: 'y' };
  theirs.nodes.push({ id: 'extra', type: 'filter', version: 1, name: 'Extra' });
  theirs.edges = theirs.edges.slice(1);
  theirs.layout!.nodes!['net'] = { x: 1, y: 1 };
  expect(difference(flow(), theirs)).toEqual({ added: ['node Extra'], removed: ['edge orders → paid'], changed: ['node paid', 'place of 1 node'] });
  expect(difference(flow(), flow())).toEqual({ added: [], removed: [], changed: [] });
});

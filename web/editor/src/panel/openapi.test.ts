import { expect, test } from 'vitest';
import type { Operation } from '../api/types';
import type { FlowDocument } from '../model/document';
import { fill, found } from './openapi';

const items: Operation[] = [
  { method: 'GET', path: '/orders', summary: 'All orders', tag: 'Sales' },
  { method: 'DELETE', path: '/orders/{id}', summary: 'Remove an order', tag: 'Sales' },
  { method: 'GET', path: '/customers', summary: 'All customers' },
];

test('operations are found by all words, wherever they stand', () => {
  expect(found(items, ' sales  GET ', true)).toEqual({ sent: [items[0]], left: 0 });
  expect(found(items, 'order', true)).toEqual({ sent: [items[0]], left: 1 });
  expect(found(items, 'order', false)).toEqual({ sent: [items[0], items[1]], left: 0 });
  expect(found(items, 'nothing', false)).toEqual({ sent: [], left: 0 });
});

test('an operation takes the place of the settings before, and leaves others and known parameters', () => {
  const doc = { format: 1, name: 'x', nodes: [{ id: 'a', type: 'rest.input', version: 1, config: { connection: 'shop', url: '/old', body: 'old' } }], edges: [], parameters: [{ name: 'id', type: 'int64', default: 3 }] } as unknown as FlowDocument;
  fill(doc, doc.nodes[0]!, { settings: { url: '/orders/${id}', body: null, method: 'GET' }, parameters: [{ name: 'id', default: '7' }, { name: 'status', default: 'open', help: 'Of the order' }, { name: 'day' }], notes: [] });
  expect(doc.nodes[0]!.config).toEqual({ connection: 'shop', url: '/orders/${id}', method: 'GET' });
  expect(doc.parameters).toEqual([{ name: 'id', type: 'int64', default: 3 }, { name: 'status', type: 'text', default: 'open', title: 'Of the order' }, { name: 'day', type: 'text' }]);
});

// A small catalogue for tests: what differs between its types is what the model looks at.

import type { Catalogue, NodeType } from '../api/types';
import type { FlowDocument } from './document';

function type(id: string, title: string, category: string, inputs: string[], outputs: string[], rejects = false, synonyms: string[] = [], required: string[] = []): NodeType {
  const port = (name: string) => ({ name, title: name });
  const properties = Object.fromEntries(required.map((name) => [name, { type: 'string' }]));
  return { id, version: 1, title, summary: `${title} of records.`, category, synonyms, inputs: inputs.map(port), outputs: outputs.map(port), rejects, schema: { type: 'object', properties, required, 'x-order': required }, icon: '<svg/>', help: '' };
}

export const catalogue: Catalogue = {
  nodes: [
    type('file.input', 'File Input', 'source', [], ['out'], true, ['CSV', 'AWS S3', 'source'], ['path']),
    type('filter', 'Filter', 'transform', ['in'], ['out', 'unmatched'], true, ['where', 'row filter'], ['condition']),
    type('formula', 'Formula', 'transform', ['in'], ['out'], true, ['add column', 'calculate']),
    type('join', 'Join', 'combine', ['left', 'right'], ['out'], false, ['merge', 'lookup']),
    type('aggregate', 'Aggregate', 'transform', ['in'], ['out'], false, ['group by', 'sum']),
    { ...type('union', 'Union', 'combine', [], ['out']), inputs: [{ name: 'in', title: 'Records', many: true }] },
    { ...type('switch', 'Switch', 'control', ['in'], ['otherwise'], true), portsFrom: 'cases' },
    type('file.output', 'File Output', 'output', ['in'], [], false, ['CSV', 'write'], ['path']),
  ],
  functions: [], formats: [], types: ['text'], connections: [],
};

export function flow(): FlowDocument {
  const node = (id: string, t: string, config = {}) => ({ id, type: t, version: 1, name: id, config });
  const edge = (a: string, b: string, from = 'out', to = 'in') => ({ from: { node: a, port: from }, to: { node: b, port: to } });
  return {
    format: 1, name: 'Orders',
    nodes: [node('orders', 'file.input', { path: 'a.csv' }), node('paid', 'filter', { condition: 'x > 1' }), node('net', 'formula'), node('out', 'file.output', { path: 'b.csv' })],
    edges: [edge('orders', 'paid'), edge('paid', 'net'), edge('net', 'out')],
    layout: { nodes: { orders: { x: 0, y: 0 }, paid: { x: 304, y: 0 }, net: { x: 608, y: 0 }, out: { x: 912, y: 0 } } },
  };
}

export function typeNamed(id: string): NodeType {
  return catalogue.nodes.find((t) => t.id === id)!;
}

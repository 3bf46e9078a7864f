import { expect, test } from 'vitest';
import { catalogue } from '../model/fixture';
import { searchTypes } from './search';

const first = (query: string) => searchTypes(catalogue.nodes, query).map(({ type, match }) => (match ? `${type.title} · ${match}` : type.title));

test.each([
  ['filter', 'Filter'], ['fil', 'Filter'], ['csv', 'File Input · CSV'], ['s3', 'File Input · AWS S3'], ['group by', 'Aggregate · group by'],
  ['where', 'Filter · where'], ['file out', 'File Output'], ['output', 'File Output'], ['agg', 'Aggregate'], ['merge', 'Join · merge'], ['FÍLTER', 'Filter'], ['frml', 'Formula'],
])('%s finds %s first', (query, title) => {
  expect(first(query)[0]).toBe(title);
});

test('both files are found by their format, nothing by nonsense, everything by nothing', () => {
  expect(first('csv')).toEqual(['File Input · CSV', 'File Output · CSV']);
  expect(first('zzz')).toEqual([]);
  expect(first(' ')).toHaveLength(catalogue.nodes.length);
});

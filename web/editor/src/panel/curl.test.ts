import { expect, test } from 'vitest';
import { parseCurl, words } from './curl';

test('words are split as a shell does', () => {
  expect(words(`a 'b c' "d \\"e\\"" f\\ g $'h\\'i' \\\n j`)).toEqual(['a', 'b c', 'd "e"', 'f g', "h'i", 'j']);
  expect(() => words("a 'b")).toThrow('not closed');
});

test('a command becomes a request without its credentials', () => {
  expect(parseCurl(`curl -sS -X POST 'https://api.example.com/v1/products?page=2&api_key=canary' -H 'Accept: application/json' -H "Authorization: Bearer canary" -u me:canary --data-raw '{"a": 1}' --compressed`)).toEqual({
    method: 'POST', url: 'https://api.example.com/v1/products', query: [{ name: 'page', value: '2' }], headers: [{ name: 'Accept', value: 'application/json' }], body: '{"a": 1}', left: ['Authorization', '-u', 'api_key'],
  });
});

test('data makes a POST, or with -G a query', () => {
  expect(parseCurl('curl example.com -d a=1 -d b=2')).toMatchObject({ method: 'POST', url: 'https://example.com', body: 'a=1&b=2' });
  expect(parseCurl('curl -G example.com/x -d a=1 --data-urlencode "b=2 3"')).toMatchObject({ method: 'GET', query: [{ name: 'a', value: '1' }, { name: 'b', value: '2 3' }], body: '' });
});

test('what cannot be taken over is said', () => {
  for (const [text, reason] of [['wget x', 'begin with curl'], ['curl', 'no address'], ['curl x -X DELETE', 'DELETE'], ['curl x -d @file', 'in a file'], ['curl x --proxy y', '--proxy'], ['curl x -H', 'no value']]) {
    expect(() => parseCurl(text!)).toThrow(reason!);
  }
});

import { expect, test } from 'vitest';
import { exactParse } from './exact';

test('JSON is read, with every digit where the platform can', () => {
  expect(exactParse('{"a":[1,1.50,1e3,-0.25,0],"b":null}')).toEqual({ a: [1, 1.5, 1000, -0.25, 0], b: null });
  const text = '{"n":12345678901234567890.123}';
  if ('rawJSON' in JSON) expect(JSON.stringify(exactParse(text))).toBe(text);
  expect(() => exactParse('{')).toThrow();
});

import { expect, test } from 'vitest';
import { callAt, complete, type Scope } from './completion';
import { quoteName, quoteText, tokenize, unitAt, unquoteName } from './token';

const kinds = (source: string) => tokenize(source).map((t) => `${t.kind} ${t.text}`);

test('an expression is cut into its words', () => {
  expect(kinds("Upper(name) = 'it''s' and [a]]b] >= $day")).toEqual([
    'function Upper', 'symbol (', 'field name', 'symbol )', 'symbol =', "text 'it''s'", 'keyword and', 'field [a]]b]', 'symbol >=', 'parameter $day',
  ]);
  expect(kinds("date '2026-01-31' + 1.5e3")).toEqual(['keyword date', "text '2026-01-31'", 'symbol +', 'number 1.5e3']);
  expect(kinds('date = größe')).toEqual(['field date', 'symbol =', 'field größe']);
});

test('the words of a cast are keywords, and fields elsewhere', () => {
  expect(kinds('cast(x as int64)')).toEqual(['keyword cast', 'symbol (', 'field x', 'keyword as', 'keyword int64', 'symbol )']);
  expect(kinds('format + zone')).toEqual(['field format', 'symbol +', 'field zone']);
});

test.each(["'open", '"open', '[open', '$', "'ends with ''"])('what is not closed is broken, never lost: %s', (source) => {
  const last = tokenize(source).at(-1)!;
  expect(last.kind).toBe('broken');
  expect(last.to).toBe(source.length);
});

test('a source of any characters is cut without end or gap', () => {
  for (const source of ['💶 + a', '\u0000', '!', '||', '"a""b"x', 'a.b', '1..2', ']', '\ud800']) {
    const tokens = tokenize(source);
    expect(tokens.map((t) => t.text).join('')).toBe(source.replace(/\s/g, ''));
  }
});

test('names are quoted where they must be, and read back', () => {
  for (const [name, written] of [['country', 'country'], ['order date', '"order date"'], ['a"b', '"a""b"'], ['case', '"case"'], ['NULL', '"NULL"'], ['größe', '"größe"'], ['1st', '"1st"'], ['', '""'], ['date', 'date']] as const) {
    expect(quoteName(name)).toBe(written);
    if (name) expect(unquoteName(written)).toBe(name);
  }
  expect(unquoteName('[order date]')).toBe('order date');
  expect(unquoteName('a + b')).toBeUndefined();
  expect(quoteText("it's")).toBe("'it''s'");
});

test('positions are in characters, not in UTF-16 units', () => {
  expect(unitAt('💶ab', 1)).toBe(0);
  expect(unitAt('💶ab', 2)).toBe(2);
  expect(unitAt('💶ab', 99)).toBe(4);
});

const scope: Scope = {
  fields: [{ name: 'country', type: 'text' }, { name: 'order count', type: 'int64' }],
  functions: [
    { name: 'concat', category: 'text', signatures: ['(x text, [y text] …) → text'], help: 'Joins texts.', example: "concat('a', 'b')" },
    { name: 'today', category: 'date', signatures: ['() → date'], help: 'The day.', example: '' },
    { name: 'count', category: 'aggregate', signatures: ['() → int64'], help: 'Counts.', example: '', aggregate: true },
    { name: '+', category: 'arithmetic', signatures: [], help: '', example: '', operator: true },
  ],
  parameters: [{ name: 'day', type: 'date' }],
};
const labels = (source: string, over: Partial<Scope> = {}, explicit = false) => complete(source, source.length, { ...scope, ...over }, explicit)?.options.map((o) => o.label) ?? [];

test('completion offers fields first, then parameters and functions', () => {
  expect(labels('co')).toEqual(['country', 'concat', 'order count']);
  expect(labels('a + ', {}, true).slice(0, 4)).toEqual(['country', 'order count', '$day', 'concat']);
  expect(labels('$')).toEqual(['$day']);
  expect(labels('"ord')).toEqual(['order count']);
});

test('functions over a group are offered only where they may stand', () => {
  expect(labels('cou')).not.toContain('count');
  expect(labels('cou', { aggregate: true })).toContain('count');
});

test('nothing is offered inside texts and numbers, nor unasked', () => {
  expect(labels("'co")).toEqual([]);
  expect(labels('12')).toEqual([]);
  expect(labels('a + ')).toEqual([]);
});

test('what is inserted is quoted, and the cursor stands between the parentheses', () => {
  const found = complete('order', 5, scope)!;
  expect([found.from, found.to, found.options[0]!.insert]).toEqual([0, 5, '"order count"']);
  const concat = complete('conc', 4, scope)!.options[0]!;
  expect([concat.insert, concat.cursor, concat.detail]).toEqual(['concat()', 7, '(x text, [y text] …) → text']);
  expect(concat.info).toBe("concat(x text, [y text] …) → text\nJoins texts.\nExample: concat('a', 'b')");
  const today = complete('toda', 4, scope)!.options[0]!;
  expect(today.cursor).toBe('today()'.length);
});

test('the function around the cursor is found with the argument', () => {
  const source = "concat(a, concat('(', b), c)";
  expect(callAt(source, source.indexOf('c)'), scope.functions)).toMatchObject({ help: { name: 'concat' }, argument: 2 });
  expect(callAt(source, source.length, scope.functions)).toBeUndefined();
});

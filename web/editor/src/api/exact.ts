// Documents may hold numbers that JavaScript's cannot: they are kept as the text they came in.

type Raw = { rawJSON: string };
interface ExactJSON {
  rawJSON?: (text: string) => Raw;
}

/** exactParse reads JSON; numbers that would lose digits stay as they were written where the browser can do that. */
export function exactParse(text: string): unknown {
  const raw = (JSON as unknown as ExactJSON).rawJSON;
  if (!raw) return JSON.parse(text);
  const reviver = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && !exact(value, context.source) ? raw(context.source) : value;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

function exact(value: number, source: string): boolean {
  if (String(value) === source) return true;
  return Number.isFinite(value) && digits(String(value)) === digits(source); // such as 1.50 and 1e3
}

/** digits brings a number's text into one form: its significant digits and their exponent. */
function digits(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, '');
  const significant = all.replace(/0+$/, '');
  return significant === '' ? '0' : `${sign}${significant}e${Number(power) - fraction.length + all.length - significant.length}`;
}

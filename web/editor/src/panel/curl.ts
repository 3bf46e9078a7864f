// A command of curl, as people copy it from documentations and browsers, as settings of a node.

export interface CurlRequest {
  method: 'GET' | 'POST' | 'PUT';
  url: string; // without its query
  query: { name: string; value: string }[];
  headers: { name: string; value: string }[];
  body: string;
  /** Options that hold credentials: they belong into a connection. */
  left: string[];
}

/** words splits a command as a shell does, without running anything of it. */
export function words(text: string): string[] {
  const found: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\' && i + 1 < text.length) {
      i += 1;
      if (text[i] === '\r' && text[i + 1] === '\n') i += 1;
      else if (text[i] !== '\n') word = (word ?? '') + text[i]!;
    } else if (c === "'" || c === '"') {
      const escapes = c === '"' || (text[i - 1] === '$' && word?.endsWith('$'));
      if (c === "'" && escapes) word = word!.slice(0, -1);
      let end = i + 1;
      word ??= '';
      for (; end < text.length && text[end] !== c; end++) {
        if (escapes && text[end] === '\\' && end + 1 < text.length) {
          end += 1;
          word += c === "'" && text[end] === 'n' ? '\n' : text[end]!;
        } else word += text[end]!;
      }
      if (end >= text.length) throw new Error('a quote is not closed');
      i = end;
    } else if (/\s/.test(c)) {
      if (word !== null) found.push(word);
      word = null;
    } else word = (word ?? '') + c;
  }
  if (word !== null) found.push(word);
  return found;
}

const secretHeader = /^(authorization|cookie|proxy-authorization|.*(api[-_]?key|token|secret).*)$/i;
const flags = new Set(['-s', '-S', '-L', '-v', '-i', '-k', '-g', '-f', '--silent', '--show-error', '--location', '--verbose', '--include', '--insecure', '--compressed', '--fail', '--globoff', '--http1.1', '--http2']);

/** parseCurl reads a command; its error says what cannot be taken over. */
export function parseCurl(text: string): CurlRequest {
  const [first, ...rest] = words(text.trim());
  if (first !== 'curl' && !first?.endsWith('/curl')) throw new Error('the text does not begin with curl');
  const request: CurlRequest = { method: 'GET', url: '', query: [], headers: [], body: '', left: [] };
  let method = '';
  let asQuery = false;
  const data: string[] = [];
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!;
    const joined = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? /^(-[XHdu])(.+)$/s.exec(word);
    const name = joined ? joined[1]! : word;
    const value = () => {
      if (joined) return joined[2]!;
      i += 1;
      if (rest[i] === undefined) throw new Error(`${name} has no value`);
      return rest[i]!;
    };
    if (name === '-X' || name === '--request') method = value().toUpperCase();
    else if (name === '-H' || name === '--header') header(request, value());
    else if (['-d', '--data', '--data-raw', '--data-binary', '--data-ascii', '--data-urlencode', '--json'].includes(name)) {
      data.push(value());
      if (name === '--json') request.headers.push({ name: 'Content-Type', value: 'application/json' });
    } else if (name === '-u' || name === '--user' || name === '-b' || name === '--cookie') {
      value();
      request.left.push(name);
    } else if (name === '-A' || name === '--user-agent') request.headers.push({ name: 'User-Agent', value: value() });
    else if (name === '--url') request.url = value();
    else if (name === '-G' || name === '--get') asQuery = true;
    else if (['-o', '--output', '-m', '--max-time', '--connect-timeout', '--retry', '-e', '--referer'].includes(name)) value();
    else if (flags.has(word) || /^-[sSLvigkf]+$/.test(word)) continue;
    else if (word.startsWith('-')) throw new Error(`the option ${word} cannot be taken over`);
    else request.url = word;
  }
  if (request.url === '') throw new Error('there is no address in it');
  if (data.some((d) => d.startsWith('@'))) throw new Error('the body is in a file');
  if (asQuery) addQuery(request, data.join('&'));
  else request.body = data.join('&');
  const known = method || (request.body === '' ? 'GET' : 'POST');
  if (known !== 'GET' && known !== 'POST' && known !== 'PUT') throw new Error(`REST Input does not send ${known}`);
  request.method = known;
  const [address, ...query] = request.url.split('#')[0]!.split('?');
  request.url = /^[a-z]+:\/\//i.test(address!) ? address! : `https://${address}`;
  addQuery(request, query.join('?'));
  return request;
}

function header(request: CurlRequest, line: string): void {
  const at = line.indexOf(':');
  if (at <= 0) return;
  const name = line.slice(0, at).trim();
  if (secretHeader.test(name)) request.left.push(name);
  else if (!/^(accept-encoding|content-length|host)$/i.test(name)) request.headers.push({ name, value: line.slice(at + 1).trim() });
}

function addQuery(request: CurlRequest, query: string): void {
  for (const [name, value] of new URLSearchParams(query)) {
    if (/key|token|secret|sig|password/i.test(name)) request.left.push(name);
    else request.query.push({ name, value });
  }
}

// The REST API, /api/v1. Errors of the server and of the way to it are ApiErrors with a sentence for people.

import type {
  Answer, Catalogue, Check, Connection, ConnectionReport, Columns, Cursor, CursorWindow, Environment, Environments, Fetched, FileList, Flow, FlowCursor, FlowError, FlowSummary, LogLine, OAuth, Operations, OperationsRequest, Page, Path, Pin, Preview, Problem, Proposal, Reject, RejectCount, RejectGroup, ReplayRejects, ReplayReport, StoredReject, DiscardRejects, Revision, Run, Sample, SampleMode, SaveConnection, Saved, SetCursor, SignIn, SignInAddress, SplitSettings, StartRun, Tables, TestConnection,
} from './types';
import { exactParse } from './exact';

export class ApiError extends Error {
  override name = 'ApiError';
  constructor(
    readonly status: number, // 0: no answer
    readonly code: string,
    readonly detail: string,
    readonly suggestion?: string,
    readonly problems: readonly FlowError[] = [],
    readonly path?: Path,
    readonly params?: Record<string, unknown>,
  ) {
    super(suggestion ? `${detail}; ${suggestion}` : detail);
  }
}

/** RejectQuery chooses stored rejects; field "" those that blame no field. */
export interface RejectQuery {
  flow?: string;
  node?: string;
  code?: string;
  field?: string | undefined;
  run?: string;
  text?: string;
  state?: string;
  cursor?: string;
  limit?: number;
}

interface Call {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  query?: Record<string, string | number | undefined>;
}

export class Client {
  /** onReach hears of every request whether the server answered, whatever it said. */
  onReach: (answered: boolean) => void = () => {};

  constructor(
    private readonly base = '/api/v1',
    private readonly fetcher: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  catalogue = (signal?: AbortSignal) => this.call<Catalogue>('/catalogue', { signal });
  flows = (query: { search?: string; cursor?: string; limit?: number } = {}) => this.call<Page<FlowSummary>>('/flows', { query });
  flow = (id: string, signal?: AbortSignal) => this.call<Flow>(`/flows/${encodeURIComponent(id)}`, { signal });
  createFlow = (document: unknown) => this.call<Flow>('/flows', { method: 'POST', body: { document } });
  createSample = () => this.call<Flow>('/flows/sample', { method: 'POST' });
  saveDraft = (id: string, document: unknown, etag: string) =>
    this.call<Saved>(`/flows/${encodeURIComponent(id)}/draft`, { method: 'PUT', body: { document }, headers: { 'If-Match': JSON.stringify(etag) } });
  publish = (id: string) => this.call<Revision>(`/flows/${encodeURIComponent(id)}/publish`, { method: 'POST' });
  revision = (id: string, number: number) => this.call<Revision>(`/flows/${encodeURIComponent(id)}/revisions/${number}`);

  check = (request: { document: unknown; environment?: string; parameters?: Record<string, string> }, signal?: AbortSignal) => this.call<Check>('/check', { method: 'POST', body: request, signal });
  environments = () => this.call<Environments>('/environments');
  saveEnvironments = (items: readonly Environment[]) => this.call<Environments>('/environments', { method: 'PUT', body: { items } });
  preview = (request: { document: unknown; node: string; environment?: string; parameters?: Record<string, string>; limit?: number; fresh?: true; flow?: string; samples?: Readonly<Record<string, SampleMode>> }, signal?: AbortSignal) =>
    this.call<Preview>('/preview', { method: 'POST', body: request, signal });
  pins = (flow: string) => this.call<Page<Pin>>(`/flows/${encodeURIComponent(flow)}/pins`);
  pin = (flow: string, request: { document: unknown; node: string; environment?: string; parameters?: Record<string, string>; samples?: Readonly<Record<string, SampleMode>> }) =>
    this.call<Pin>(`/flows/${encodeURIComponent(flow)}/pins/${encodeURIComponent(request.node)}`, { method: 'PUT', body: request });
  unpin = (flow: string, node: string) => this.call<void>(`/flows/${encodeURIComponent(flow)}/pins/${encodeURIComponent(node)}`, { method: 'DELETE' });
  /** answers are what was fetched of the API that a node reads; fetchAnswer calls that API, once. */
  answers = (flow: string, node: string, signal?: AbortSignal) => this.call<Page<Answer>>(`/flows/${encodeURIComponent(flow)}/answers/${encodeURIComponent(node)}`, { signal });
  fetchAnswer = (flow: string, request: { document: unknown; node: string; environment?: string; parameters?: Record<string, string> }) =>
    this.call<Fetched>(`/flows/${encodeURIComponent(flow)}/answers/${encodeURIComponent(request.node)}`, { method: 'PUT', body: request });
  /** operations reads an OpenAPI document; one that is given by its address is fetched by the server. */
  operations = (request: OperationsRequest, signal?: AbortSignal) => this.call<Operations>('/operations', { method: 'POST', body: request, signal });
  inspect = (path: string, signal?: AbortSignal) => this.call<Proposal>('/inspect', { method: 'POST', body: { path }, signal });

  startRun = (start: StartRun, key: string) => this.call<Run>('/runs', { method: 'POST', body: start, headers: { 'Idempotency-Key': key } });
  runs = (query: { flow?: string; state?: string; cursor?: string; limit?: number } = {}) => this.call<Page<Run>>('/runs', { query });
  run = (id: string) => this.call<Run>(`/runs/${encodeURIComponent(id)}`);
  cancelRun = (id: string) => this.call<Run>(`/runs/${encodeURIComponent(id)}/cancel`, { method: 'POST' });
  samples = (id: string, node?: string) => this.call<{ items: Sample[] }>(`/runs/${encodeURIComponent(id)}/samples`, { query: { node } });
  rejects = (id: string, query: { node?: string; cursor?: string; limit?: number } = {}, signal?: AbortSignal) =>
    this.call<Page<Reject>>(`/runs/${encodeURIComponent(id)}/rejects`, { query, signal });
  inbox = (query: RejectQuery, signal?: AbortSignal) => this.call<Page<StoredReject>>('/rejects', { query: { ...query }, signal });
  rejectGroups = (query: RejectQuery, signal?: AbortSignal) => this.call<Page<RejectGroup>>('/rejects/groups', { query: { ...query }, signal });
  openRejects = () => this.call<RejectCount>('/rejects/count');
  discard = (chosen: DiscardRejects) => this.call<RejectCount>('/rejects/discard', { method: 'POST', body: chosen });
  reopen = (chosen: DiscardRejects) => this.call<RejectCount>('/rejects/reopen', { method: 'POST', body: chosen });
  dryReplay = (chosen: ReplayRejects, signal?: AbortSignal) => this.call<ReplayReport>('/rejects/replay/dry', { method: 'POST', body: chosen, signal });
  replay = (chosen: ReplayRejects, key: string) => this.call<Run>('/rejects/replay', { method: 'POST', body: chosen, headers: { 'Idempotency-Key': key } });

  log = (id: string, query: { cursor?: string; limit?: number } = {}, signal?: AbortSignal) =>
    this.call<Page<LogLine>>(`/runs/${encodeURIComponent(id)}/log`, { query, signal });
  files = (path = '', signal?: AbortSignal) => this.call<FileList>('/files', { query: { path }, signal });

  connections = (signal?: AbortSignal) => this.call<Page<Connection>>('/connections', { signal });
  createConnection = (input: SaveConnection) => this.call<Connection>('/connections', { method: 'POST', body: input });
  saveConnection = ({ id, etag }: { id: string; etag: string }, input: SaveConnection) =>
    this.call<Connection>(`/connections/${encodeURIComponent(id)}`, { method: 'PUT', body: input, headers: { 'If-Match': JSON.stringify(etag) } });
  deleteConnection = (id: string) => this.call<void>(`/connections/${encodeURIComponent(id)}`, { method: 'DELETE' });
  splitAddress = (type: string, address: string) => this.call<SplitSettings>('/connections/split', { method: 'POST', body: { type, address } });
  testConnection = (input: TestConnection) => this.call<ConnectionReport>('/connections/test', { method: 'POST', body: input });
  oauth = () => this.call<OAuth>('/oauth');
  signedIn = (id: string) => this.call<SignIn>(`/connections/${encodeURIComponent(id)}/sign-in`);
  beginSignIn = (id: string) => this.call<SignInAddress>(`/connections/${encodeURIComponent(id)}/sign-in`, { method: 'POST' });
  /** tables and columns are as they were some minutes ago, but not before since; fresh asks the database in any case. */
  tables = (id: string, age: { fresh?: string; since?: string }, signal?: AbortSignal) => this.call<Tables>(`/connections/${encodeURIComponent(id)}/tables`, { query: age, signal });
  columns = (id: string, table: string, age: { fresh?: string; since?: string }, signal?: AbortSignal) =>
    this.call<Columns>(`/connections/${encodeURIComponent(id)}/columns`, { query: { table, ...age }, signal });

  cursors = (flow: string, environment: string, signal?: AbortSignal) => this.call<Page<FlowCursor>>(`/flows/${encodeURIComponent(flow)}/cursors`, { query: { environment }, signal });
  setCursor = (flow: string, environment: string, node: string, cursor: SetCursor) => this.call<FlowCursor>(`/flows/${encodeURIComponent(flow)}/cursors/${encodeURIComponent(node)}`, { method: 'PUT', query: { environment }, body: cursor });
  cursorWindow = (request: { document: unknown; environment?: string; node: string; cursor?: Cursor }) => this.call<CursorWindow>('/cursors/window', { method: 'POST', body: request });

  /** fileAddress is where a file is sent to; see file/upload.ts. */
  fileAddress(path: string, replace = false): string {
    return `${this.base}/files?path=${encodeURIComponent(path)}${replace ? '&replace=true' : ''}`;
  }

  private async call<T>(path: string, { method = 'GET', body, headers = {}, signal, query = {} }: Call = {}): Promise<T> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined && (value !== '' || name === 'field')) search.set(name, String(value));
    const address = this.base + path + (search.size > 0 ? `?${search}` : '');
    const init: RequestInit = { method, credentials: 'same-origin', headers: { Accept: 'application/json', ...headers } };
    if (signal) init.signal = signal;
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      (init.headers as Record<string, string>)['Content-Type'] = 'application/json';
    }
    let answer: Response;
    let text: string;
    try {
      answer = await this.fetcher(address, init);
      text = await answer.text();
    } catch (error) {
      if (signal?.aborted) throw error;
      this.onReach(false);
      throw new ApiError(0, 'network', 'the server does not answer', 'check that spark serve is running; your work is kept here meanwhile');
    }
    this.onReach(true);
    return read<T>(answer, text);
  }
}

function read<T>(answer: Response, text: string): T {
  const type = answer.headers.get('Content-Type') ?? '';
  if (!answer.ok) throw errorOf(answer.status, type, text);
  if (answer.status === 204 || text === '') return undefined as T;
  try {
    return exactParse(text) as T;
  } catch {
    throw new ApiError(answer.status, 'answer', 'the server answered with something that is not JSON', 'reload the page');
  }
}

/** errorOf makes an error of an answer, also of one that a proxy wrote. */
export function errorOf(status: number, type: string, text: string): ApiError {
  if (type.includes('json')) {
    try {
      const problem = JSON.parse(text) as Partial<Problem>;
      return new ApiError(status, problem.code ?? 'http', problem.detail ?? problem.title ?? `the server answered ${status}`, problem.suggestion, problem.problems ?? [], problem.path, problem.params);
    } catch {
      // said below
    }
  }
  return new ApiError(status, 'http', `the server answered ${status}`, 'try again, or look at the log of spark serve');
}

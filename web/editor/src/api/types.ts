// What the server and the editor exchange: server/api and the types of package flows, by the same names.
// flows.Error is FlowError here, and the flow document is FlowDocument (model/document.ts).

export type Severity = 'error' | 'warning' | 'info';

export interface Path {
  node?: string | undefined;
  port?: string | undefined;
  field?: string | undefined;
  offset?: number | undefined;
  length?: number | undefined;
  file?: string | undefined;
  line?: number | undefined;
  record?: number | undefined;
  column?: string | undefined;
}

export interface FlowError {
  code: string;
  severity?: 'error' | 'warning' | undefined;
  params?: Record<string, unknown> | undefined;
  path?: Path | undefined;
  message: string;
  suggestion?: string | undefined;
}

/** An error answer, application/problem+json. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  path?: Path;
  suggestion?: string;
  params?: Record<string, unknown>;
  problems?: FlowError[];
}

export interface Page<T> {
  items: T[];
  next?: string;
}

export interface FlowSummary {
  id: string;
  name: string;
  etag: string;
  updatedAt: string;
  updatedBy: string;
  published?: number;
  lastRun?: Run;
}

export interface Flow extends FlowSummary {
  document: unknown;
}

export interface Saved {
  etag: string;
  updatedAt: string;
  updatedBy: string;
}

export interface Revision {
  flow: string;
  number: number;
  hash: string;
  createdAt: string;
  createdBy: string;
  document?: unknown;
}

export interface StartRun {
  flow: string;
  revision?: number;
  until?: string;
  parameters?: Record<string, string>;
}

export interface Field {
  name: string;
  type: string;
}

export interface PortSchema {
  node: string;
  port: string;
  schema: Field[];
}

export interface Check {
  problems: FlowError[] | null;
  ports: PortSchema[] | null;
  skipped?: Record<string, string>;
}

export interface Sample {
  node: string;
  port: string;
  schema: Field[] | null;
  rows: (string | null)[][] | null;
  records: number;
  more?: boolean;
}

export interface SeenFile {
  pattern: string;
  path: string;
  size: number;
  modTime: string;
}

export interface Preview {
  node: string;
  inputs: Sample[] | null;
  outputs: Sample[] | null;
  source: string;
  read: number;
  complete: boolean;
  rejects?: Reject[];
  problems?: FlowError[];
  files?: SeenFile[];
  took: number; // nanoseconds
  at: string;
  cached: boolean;
}

export interface Reject {
  node: string;
  code: string;
  reason: string;
  field?: string;
  file?: string;
  line?: number;
  record?: number;
  raw: string;
  rawBytes?: string; // base64
}

export type RunState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
export type NodeState = 'ready' | 'running' | 'done' | 'failed' | 'skipped';

export interface Run {
  id: string;
  flow?: string;
  flowName: string;
  revision?: number;
  until?: string;
  trigger: string;
  parameters?: Record<string, string>;
  state: RunState;
  attempt: number;
  createdAt: string;
  createdBy: string;
  startedAt?: string;
  endedAt?: string;
  read: number;
  written: number;
  rejected: number;
  error?: FlowError;
  nodes?: NodeStatus[];
}

export interface NodeStatus {
  node: string;
  state: NodeState;
  reason?: string;
  in?: Record<string, number>;
  out?: Record<string, number>;
  written?: number;
  rejected?: number;
  stoppedEarly?: string[];
}

export interface LogLine {
  seq: number;
  at: string;
  severity: Severity;
  message: string;
  error?: FlowError;
}

export interface Snapshot {
  kind: 'snapshot';
  seq: number;
  run: Run;
  log: LogLine[] | null;
}

export interface Delta {
  kind: 'delta';
  seq: number;
  run?: Run;
  nodes?: NodeStatus[];
  log?: LogLine[];
}

export interface Port {
  name: string;
  title: string;
  optional?: boolean;
}

export interface NodeType {
  id: string;
  version: number;
  title: string;
  summary: string;
  category: string;
  synonyms: string[] | null;
  inputs: Port[] | null;
  outputs: Port[] | null;
  rejects: boolean;
  schema: Record<string, unknown>;
  icon: string;
  help: string;
}

/** A function of the expression language. */
export interface ExpressionFunction {
  name: string;
  category: string;
  signatures: string[];
  help: string;
  example: string;
  operator?: boolean;
  aggregate?: boolean;
}

export interface Format {
  name: string;
  title: string;
  extensions: string[];
  typed?: boolean;
  readOptions?: Record<string, unknown>;
  writeOptions?: Record<string, unknown>;
}

export interface Catalogue {
  nodes: NodeType[];
  functions: ExpressionFunction[];
  formats: Format[];
  types: string[];
}

export interface FileEntry {
  name: string;
  path: string;
  folder?: boolean;
  size?: number;
  modTime?: string;
}

export interface FileList {
  path: string;
  parent?: string;
  entries: FileEntry[] | null;
}

export interface FileField {
  name: string;
  type: string;
  format?: string;
  zone?: string;
  source?: string;
}

export interface Proposal {
  format: string;
  options?: Record<string, unknown>;
  fields: FileField[];
  notes?: string[];
  sample?: string[][];
  sampled?: number;
}

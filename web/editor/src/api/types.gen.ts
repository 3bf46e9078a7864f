// Generated from the Go types of server/api by `go test ./server/api -update`. Not to be edited.

/** Type is a value type in its text form, such as "int64", "decimal(10,2)" or "list<text>". */
export type Type = string

/** Guarantee is how often a record reaches a target, whatever fails and is run again. It is never better than the weakest of what lies between source and target. */
export type Guarantee = "exactly-once" | "effectively-once" | "at-least-once"

/** LiveKind tells messages apart. */
export type LiveKind = "snapshot" | "delta"

/** NodeState is the state of a node run: a closed set. */
export type NodeState = "ready" | "running" | "done" | "failed" | "skipped"

/** RejectPolicy says what happens to a record that a node refuses. */
export type RejectPolicy = "fail" | "reject" | "skip"

/** RejectState is what has become of a stored reject: a closed set. */
export type RejectState = "held" | "open" | "replaying" | "replayed" | "discarded"

/** RunState is the state of a run: a closed set. */
export type RunState = "queued" | "running" | "succeeded" | "failed" | "cancelled"

/** Severity says whether a problem keeps a flow from running; lines of a log may be only information. */
export type Severity = "error" | "warning" | "info"

/** Trigger is what started a run. */
export type Trigger = "manual" | "replay" | "sample"

/** Page is a part of a list; Next is the cursor of the following one, empty on the last. */
export interface Page<T> {
  items: T[]
  next?: string
}

/** Problem is an error answer: application/problem+json (RFC 9457). */
export interface Problem {
  /** "about:blank" */
  type: string
  /** of the status */
  title: string
  status: number
  /** the sentence */
  detail: string
  /** Code, Path, Suggestion and Params are those of flows.Error. */
  code: string
  path?: Path
  suggestion?: string
  params?: Record<string, unknown>
  /** Problems are all findings where there are several, such as those of a flow that cannot run. */
  problems?: FlowError[]
}

/** Path points at the place of a problem. Every part is optional. */
export interface Path {
  /** node id */
  node?: string
  /** port of that node */
  port?: string
  /** config field such as `condition` or `fields[2].expression` */
  field?: string
  /** first character inside that config field, 1-based; 0 when unknown */
  offset?: number
  /** characters from Offset; 0 when unknown */
  length?: number
  /** data file or document */
  file?: string
  /** line of that file, 1-based */
  line?: number
  /** record of that file, 1-based, header not counted */
  record?: number
  /** field of the record */
  column?: string
}

/** Error is an error that a person can act on: a code for programs, a place, a sentence and what to do. */
export interface FlowError {
  code: string
  /** empty means error */
  severity?: Severity
  params?: Record<string, unknown>
  path?: Path
  message: string
  suggestion?: string
}

/** FlowSummary is a flow in a list. */
export interface FlowSummary {
  id: string
  name: string
  etag: string
  updatedAt: string
  updatedBy: string
  /** published revision */
  published?: number
  lastRun?: Run
}

/** Flow is a flow with its draft. */
export interface Flow extends FlowSummary {
  /** flow document, see docs/decisions */
  document: unknown
}

/** Document is the body of requests that carry a flow document. */
export interface Document {
  document: unknown
}

/** Saved answers a saved draft. The request names the etag it is based on in If-Match; when another one was saved in the meantime the answer is 409 with code draft.conflict, and nothing was saved. */
export interface Saved {
  etag: string
  updatedAt: string
  updatedBy: string
}

/** Revision is a frozen document. */
export interface Revision {
  flow: string
  number: number
  hash: string
  createdAt: string
  createdBy: string
  document?: unknown
}

/** StartRun asks for a run. The header Idempotency-Key makes a repeated request answer the run that the first began. */
export interface StartRun {
  flow: string
  /** 0: freeze the draft as it is saved */
  revision?: number
  /** reads a sample and what is pinned, and writes nothing; of the draft only */
  sample?: boolean
  /** node that the run ends at; nothing behind it runs */
  until?: string
  /** of the project; empty: the default one */
  environment?: string
  parameters?: Record<string, string>
}

/** Run is one execution of a revision. Counts are those of the last attempt. */
export interface Run {
  id: string
  /** empty: of a flow file */
  flow?: string
  flowName: string
  revision?: number
  /** node that the run ends at; empty: the whole flow */
  until?: string
  trigger: Trigger
  /** of the project */
  environment?: string
  /** as given; secret ones are hidden */
  parameters?: Record<string, string>
  state: RunState
  attempt: number
  createdAt: string
  createdBy: string
  startedAt?: string
  endedAt?: string
  /** records that left the sources */
  read: number
  /** records that the targets confirmed */
  written: number
  /** records refused, stored or skipped */
  rejected: number
  error?: FlowError
  /** not in lists */
  nodes?: NodeStatus[]
}

/** NodeStatus is a node's state and its counts. A count is the number of records that crossed the edge. */
export interface NodeStatus {
  node: string
  state: NodeState
  /** of failed and skipped */
  reason?: string
  /** by input port */
  in?: Record<string, number>
  /** by output port, rejects included */
  out?: Record<string, number>
  /** Written is what the target confirmed, for sinks. */
  written?: number
  /** Changes is what a target made of the records, where it tells. */
  changes?: Changes
  /** Expectations are what became of the rules of the node, in their order. */
  expectations?: Expectation[]
  /** Rejected counts refused records, stored or skipped. */
  rejected?: number
  /** StoppedEarly marks output ports that delivered fewer records than a complete run might have. */
  stoppedEarly?: string[]
  /** Progress is the share of its bytes or records that a running source has read, above 0 and at most 1; 0 when unknown. */
  progress?: number
  /** Activity is how an end of the engine's work spends its time, where that is known. */
  activity?: Activity
}

/** LogLine is something that a run tells people. */
export interface LogLine {
  /** from 1 within a run */
  seq: number
  at: string
  severity: Severity
  message: string
  error?: FlowError
}

/** Field is a named, typed value of a record or of a struct. */
export interface Field {
  name: string
  type: Type
}

/** Sample is some of the records that left an output port, or arrived at an input port. */
export interface Sample {
  node: string
  port: string
  schema: Field[]
  /** Rows hold one value per field of Schema as text: exact digits, ISO 8601 dates and times, bytes as base64, lists, structs and JSON as JSON. nil is null. Values longer than MaxCell characters are cut and end with an ellipsis. */
  rows: ((string | null)[])[]
  /** Records is how many records crossed here while the sample was taken; More says that there are more than Rows. */
  records: number
  more?: boolean
}

/** Reject is a refused record. */
export interface Reject {
  node: string
  /** such as csv.type */
  code: string
  /** the sentence */
  reason: string
  /** field that was refused */
  field?: string
  file?: string
  /** first line of the record, 1-based */
  line?: number
  /** 1-based, header not counted */
  record?: number
  /** the record: as in the file, or a JSON object of its fields as text */
  raw: string
  /** instead of Raw where the record is not UTF-8 */
  rawBytes?: string
  /** the line of names above a record of a CSV file: what Raw means */
  header?: string
}

/** StoredReject is a reject of a run, and what has become of it. */
export interface StoredReject extends Reject {
  id: string
  run: string
  flow: string
  flowName: string
  revision: number
  at: string
  state: RejectState
  /** that has it, or has committed it */
  replayRun?: string
  /** when it was replayed or discarded */
  resolvedAt?: string
  resolvedBy?: string
  /** of who discarded it */
  comment?: string
  /** the reject that was replayed and refused again */
  earlier?: string
}

/** RejectGroup counts the open rejects that have flow, node, code and field in common. */
export interface RejectGroup {
  flow: string
  flowName: string
  node: string
  code: string
  field?: string
  /** of the last one */
  reason: string
  count: number
  first: string
  last: string
}

/** RejectSelection chooses rejects: those with these ids or, without ids, the open ones that have all of the other members that are there. Field "" chooses those that blame no field. */
export interface RejectSelection {
  ids?: string[]
  flow?: string
  node?: string
  code?: string
  field?: string
  run?: string
  text?: string
  /** instead of open */
  state?: RejectState
}

/** DiscardRejects decides about rejects. The comment says why. */
export interface DiscardRejects extends RejectSelection {
  comment: string
}

/** ReplayRejects asks for a run of rejects of one node of one flow. */
export interface ReplayRejects extends RejectSelection {
  /** Revision that they go through; 0: the published one where it is newer than theirs, else the draft, frozen. */
  revision?: number
  /** instead: the draft, frozen, whatever is published */
  draft?: boolean
}

/** RejectCount is how many rejects there are, or were changed. */
export interface RejectCount {
  count: number
}

/** ReplayReport is the outcome of a dry run. */
export interface ReplayReport {
  records: number
  passed: number
  failed: number
  /** the first that are refused again */
  rejects: Reject[]
  /** records that outputs would take */
  written: number
  /** that they would go through */
  revision: number
  /** After is the node behind which the records enter the flow: what mends them has to stand behind it. "" where the node that refused them is a source, and reads them again. */
  after?: string
  problems?: FlowError[]
}

/** CheckRequest asks for the problems and schemas of a document as it is drawn. */
export interface CheckRequest {
  document: unknown
  /** of the project; empty: the default one */
  environment?: string
  parameters?: Record<string, string>
}

/** Check is what is known of a document without running it. */
export interface Check {
  problems: FlowError[]
  /** every output port whose schema is known */
  ports: PortSchema[]
  /** nodes that would not run, with the reason */
  skipped?: Record<string, string>
  /** Deliveries are what is promised for the records of every output. */
  deliveries?: Delivery[]
  /** Moves are the filters behind a table, and whether the database can do their work. */
  moves?: Move[]
}

/** PortSchema is the schema at an output port. */
export interface PortSchema {
  node: string
  port: string
  schema: Field[]
}

/** PreviewRequest asks for the records at a node; see flows.PreviewRequest. */
export interface PreviewRequest {
  document: unknown
  node: string
  /** of the project; empty: the default one */
  environment?: string
  parameters?: Record<string, string>
  limit?: number
  /** reads again what is remembered */
  fresh?: boolean
  /** whose cursors say where incremental sources go on, and whose pins are used */
  flow?: string
  /** Samples say which records of a driving source are read, by its node; none: the first. */
  samples?: Record<string, SampleMode>
}

/** Preview is what the records at a node look like. Nothing was written for it. */
export interface Preview {
  node: string
  /** by input port of the node; what a port's second edge brings is named port#2 */
  inputs: Sample[]
  /** by output port of the node */
  outputs: Sample[]
  /** Source is the node whose first records were read (the driving source, or the first of several), Read how many of them; Complete says that no driving source has more. The other sources were read in full. */
  source: string
  read: number
  complete: boolean
  /** Sample is how the records of Source were chosen, and Scanned how many were read to find them. */
  sample: SampleMode
  scanned: number
  /** Narrowed: the database of Source has found the records itself, so that no others were read. */
  narrowed?: boolean
  /** Cursors are where incremental sources began, as the next run would: behind what was reached. Nothing moves them. */
  cursors?: FlowCursor[]
  /** Pins are those that the preview began at. They are in no run. */
  pins?: Pin[]
  /** Rejects are refused records, of this node and those before it. */
  rejects?: Reject[]
  /** Problems keep the preview from being made; then there are no samples. Warnings do not. */
  problems?: FlowError[]
  /** Calls are those that the node has made because somebody has allowed a few. */
  calls?: CallAnswer[]
  /** Files are those that were looked at. While they stay the same, so does the preview. */
  files?: SeenFile[]
  /** nanoseconds */
  took: number
  /** when the records were read */
  at: string
  cached: boolean
}

/** SeenFile is a file that a pattern stood for. */
export interface SeenFile {
  pattern: string
  path: string
  size: number
  modTime: string
}

/** SampleMode says which records of a driving source a preview reads. */
export interface SampleMode {
  /** SampleFirst, SampleRandom, SampleWhere */
  mode: string
  /** condition over the records of the source */
  where?: string
  /** of the chance: the same seed draws the same records */
  seed?: number
}

/** Catalogue is everything that the editor can offer. */
export interface Catalogue {
  nodes: NodeType[]
  functions: Function[]
  formats: Format[]
  /** names of value types without parameters */
  types: string[]
  /** Connections are the kinds of connections. */
  connections: ConnectionType[]
}

/** NodeType is a kind of node. */
export interface NodeType {
  id: string
  version: number
  title: string
  summary: string
  category: string
  synonyms: string[]
  inputs: Port[]
  /** without rejects */
  outputs: Port[]
  /** has the output port "rejects" */
  rejects: boolean
  /** Policy is what becomes of refused records where the node does not say; empty: what the flow says. */
  policy?: RejectPolicy
  /** PortsFrom is a member of the config, a list of objects: the name of each is an output port, before Outputs. */
  portsFrom?: string
  /** calls an API: its previews need a sample that is fetched */
  fetches?: boolean
  /** for each record: previews call for a few where somebody allows it */
  calls?: boolean
  /** JSON Schema of the config with x-… hints for the form */
  schema: Record<string, unknown>
  /** SVG */
  icon: string
  /** Markdown */
  help: string
}

/** Port is an input or output of a node type. */
export interface Port {
  name: string
  title: string
  optional?: boolean
  /** an input that takes any number of edges */
  many?: boolean
}

/** Function is a function of the expression language. */
export interface Function {
  name: string
  category: string
  /** such as "(x text, start integer) → text" */
  signatures: string[]
  help: string
  example: string
  operator?: boolean
  aggregate?: boolean
}

/** Format is a file format. The form of a node's member with the widget "options" is one of these schemas. */
export interface Format {
  name: string
  title: string
  extensions: string[]
  /** files carry their own schema */
  typed?: boolean
  readOptions?: Record<string, unknown>
  writeOptions?: Record<string, unknown>
}

/** FileList is what a folder holds. The root is the place where relative paths begin: what all data folders hold, together. */
export interface FileList {
  /** as flows name it; empty for the root */
  path: string
  /** absent at the root */
  parent?: string
  entries: FileEntry[]
}

/** FileEntry is a file or folder of a data folder. */
export interface FileEntry {
  name: string
  /** as flows name it */
  path: string
  folder?: boolean
  /** bytes */
  size?: number
  modTime?: string
}

/** InspectRequest asks for a proposal how to read a file. */
export interface InspectRequest {
  path: string
}

/** Proposal is what inspecting a file suggests. Nothing of it counts before it is saved in a node. */
export interface Proposal {
  format: string
  options?: unknown
  fields: FileField[]
  notes?: string[]
  sample?: string[][]
  /** records looked at */
  sampled?: number
}

/** Fetched is what an API has answered, and how it is proposed to be read. */
export interface Fetched {
  answer: Answer
  /** where the records are */
  recordPath?: string
  /** for the records; without fields where there are none */
  proposal: Proposal
}

/** Answer is what an API has answered when somebody has fetched a sample: previews read it instead of calling the API. What may be a secret in it is hidden. */
export interface Answer {
  node: string
  /** of the project, where it was fetched */
  environment?: string
  /** such as GET https://api.example.com/products?page=1 */
  request: string
  status: number
  statusText: string
  headers: AnswerHeader[]
  body: string
  /** of the whole body */
  bytes: number
  /** Body has its first records only */
  cut?: boolean
  /** nanoseconds */
  took: number
  at: string
  by: string
  /** Calls are those that a node makes for records, instead of a body. */
  calls?: CallAnswer[]
}

/** AnswerHeader is a header of an answer. */
export interface AnswerHeader {
  name: string
  value: string
}

/** CallAnswer is what a call for a record has returned. */
export interface CallAnswer {
  /** of what was sent */
  key: string
  /** among those that were allowed, from 1 */
  number: number
  request: string
  status?: number
  body?: string
  /** of Error */
  code?: string
  error?: string
  tookMs: number
}

/** FileField is a field of a file with its explicit type and how its text is read. */
export interface FileField {
  name: string
  type: Type
  format?: string
  zone?: string
  source?: string
}

/** OperationsRequest asks what an OpenAPI document describes. */
export interface OperationsRequest {
  /** of the document, at most 10 MB; absent: it is fetched from address */
  text?: string
  /** below the base URL of the connection, or whole without one */
  address?: string
  /** of the node */
  connection?: string
  /** in which the connection is meant */
  environment?: string
  /** with path: the operation whose settings are wanted; absent: the list is */
  method?: string
  path?: string
  /** the settings are for a node that reads records, else for one that calls for each */
  records?: boolean
  /** of the input of the latter */
  fields?: string[]
}

/** Operations are what an OpenAPI document describes. */
export interface Operations {
  title: string
  items: Operation[]
  /** Text is the document where it was fetched, so that the next question need not fetch it again. */
  text?: string
  /** Chosen is the operation that was asked for. */
  chosen?: ChosenOperation
}

/** Operation is what an API can be asked for, as its OpenAPI document says. */
export interface Operation {
  method: string
  /** with {name} where parameters stand */
  path: string
  summary?: string
  tag?: string
  deprecated?: boolean
}

/** ChosenOperation is an operation as the settings of a node. */
export interface ChosenOperation {
  /** Settings by name; null where a setting is as it is at first. */
  settings: unknown
  /** Parameters of the flow that the settings refer to. */
  parameters: ProposedParameter[]
  /** Notes say what was not taken over, and what has to be looked at. */
  notes: string[]
}

/** ProposedParameter is a text parameter that a flow gets. */
export interface ProposedParameter {
  name: string
  default?: string
  help?: string
}

/** ConnectionType is a kind of system that connections lead to. */
export interface ConnectionType {
  id: string
  title: string
  summary: string
  synonyms: string[]
  /** has tables */
  database: boolean
  /** Address is an example of an address that can be split into settings; empty where there is none. */
  address?: string
  /** SignInIf is the condition under which people sign in, such as auth=code; empty: they never do. */
  signInIf?: string
  schema: Record<string, unknown>
}

/** Connection is the address of an external system with what it takes to get in. Secrets are never part of it: Secrets only names the members of the settings that have one. */
export interface Connection {
  id: string
  /** that nodes use */
  name: string
  /** Environment is the one that this is the entry of: a connection has one per environment, of the same type. */
  environment?: string
  type: string
  settings: unknown
  secrets: string[]
  /** that the secrets are bound to, such as host:port */
  place: string
  etag: string
  updatedAt: string
  updatedBy: string
}

/** WindowRequest asks what an incremental source of a document, as it is drawn, would read after a cursor. Without one it reads from its beginning. */
export interface WindowRequest {
  /** of the project; empty: the default one */
  environment?: string
  document: unknown
  node: string
  cursor?: Cursor
}

/** SetCursor moves a cursor. An empty value: everything is read again. */
export interface SetCursor {
  column: string
  value: string
}

/** FlowCursor is the cursor of a source of a flow. */
export interface FlowCursor extends Cursor {
  node: string
  /** that reached it; empty: a person set it */
  run?: string
  updatedAt: string
  updatedBy: string
}

/** CursorWindow is what the next run of an incremental source would read. */
export interface CursorWindow {
  /** exclusive; empty: no lower bound */
  from?: string
  /** inclusive; empty: there is no record */
  to?: string
  records: number
  /** Nulls are records without a cursor, which are never read. */
  nulls?: number
}

/** Pin says which records of a node previews of a draft begin at instead of computing them. A run never does. */
export interface Pin {
  node: string
  /** of the project, where the records were read */
  environment?: string
  ports: PinnedPort[]
  /** refused records of the node that are pinned with the others */
  rejects?: number
  bytes: number
  /** when the records were read */
  at: string
  by: string
  /** Changed says in which way the fields that the node has now differ from those of the records. Empty: in none, as far as it can be told. It is not stored. */
  changed?: string
}

/** PinnedPort are the pinned records of an output port. */
export interface PinnedPort {
  port: string
  schema: Field[]
  records: number
  /** there are others */
  more?: boolean
  traced?: boolean
}

/** Cursor is how far an incremental source has been read: its records up to and with Value were part of a committed run. */
export interface Cursor {
  column: string
  /** of the column, in the database's own words */
  type?: string
  /** as the database writes it; empty: nothing was read */
  value?: string
  /** Generation grows whenever a person sets the cursor: what a target holds of an older one counts no more. */
  generation?: number
}

/** Delivery is what is promised for the records that reach an output node. */
export interface Delivery {
  node: string
  guarantee: Guarantee
  /** a sentence */
  reason: string
}

/** Move offers to move a filter into the source that it reads from. */
export interface Move {
  node: string
  into: string
  /** Where is what the condition of the source is to say, besides what it says already; empty where the filter cannot move. */
  where?: string
  /** why it cannot */
  reason?: string
}

/** SaveConnection is a connection as it is filled in. A secret that is left out stays as it is saved. */
export interface SaveConnection {
  name: string
  /** of a new one; empty: the default one */
  environment?: string
  type: string
  settings: unknown
}

/** OAuth is what has to be told to a server of tokens. */
export interface OAuth {
  redirectUrl: string
}

/** SignInAddress is where somebody signs in. */
export interface SignInAddress {
  url: string
}

/** SignIn tells what a person's sign-in to a connection has given, without the tokens. */
export interface SignIn {
  /** nil: nobody has signed in */
  at?: string
  scope?: string
  /** Renews says that the server has given a refresh token; without one the sign-in ends at Until, where that is known. */
  renews: boolean
  until?: string
  /** Lost is why the sign-in is not valid any more, as the server calls it, such as invalid_grant; empty where it is not known to be. */
  lost?: string
}

/** Environment is a place that the flows of a project run in: its connections lead somewhere else in each. */
export interface Environment {
  name: string
  /** where nothing else is said; one is */
  default?: boolean
  /** its name so far, where it is renamed; never read */
  was?: string
}

/** Environments are those of a project, in their order. */
export interface Environments {
  items: Environment[]
}

/** TestConnection asks to reach the system. ID names the saved connection that the secrets left out come from. */
export interface TestConnection extends SaveConnection {
  id?: string
}

/** SplitAddress asks for the settings that an address of another program says. */
export interface SplitAddress {
  type: string
  address: string
}

/** SplitSettings are those settings, to be filled in; nothing is stored. They hold the password that was in the address. */
export interface SplitSettings {
  settings: unknown
  /** parameters of the address that have no effect, by their names */
  ignored?: string[]
}

/** ConnectionReport is what a test of a connection found. */
export interface ConnectionReport {
  place: string
  user?: string
  version?: string
  /** nanoseconds */
  took: number
  /** parameters of the address that was given which have no effect */
  ignored?: string[]
  /** Of an API: the status of its answer, such as 200 and OK, and how the answer begins. */
  status?: number
  statusText?: string
  answer?: string
}

/** Table is a table or view that a connection reaches. */
export interface Table {
  /** as nodes name it, quoted where it must be */
  name: string
  /** no table of its own */
  view?: boolean
  /** a guess of the database; 0: unknown */
  records?: number
}

/** Tables are those that a connection reaches, as they were at a time. */
export interface Tables {
  /** never null */
  items: Table[]
  at: string
}

/** Column is a column of a table. */
export interface Column {
  name: string
  /** as the database writes it */
  type: string
  /** that it is read as */
  field: Type
  /** may hold no value */
  nullable?: boolean
  /** of the primary key */
  key?: boolean
}

/** Columns are those of a table, as they were at a time. */
export interface Columns {
  /** never null */
  items: Column[]
  at: string
}

/** Changes tells what a target made of the records that it was given. Collapsed ones had the key of a later record of the same run. */
export interface Changes {
  inserted: number
  updated: number
  deleted: number
  unchanged: number
  collapsed: number
}

/** Expectation is a rule about records and how it was kept. */
export interface Expectation {
  name: string
  /** fail, warn or reject */
  otherwise: string
  /** Broken counts the records that break it; of a rule about all records together it is 1 once it is known to be broken. */
  broken: number
}

/** Activity tells how a node spends the time of its stage, in milliseconds, and whether the rest waits for it: sources and targets tell while they work, what the engine computes is known afterwards. */
export interface Activity {
  /** Queue is the share of the places behind a source that are taken: 1 means that the source is held back. */
  queue?: number
  busyMS?: number
  /** for records */
  waitingMS?: number
  /** until somebody takes what is ready */
  blockedMS?: number
  /** by the threads of the engine, all together; known once the stage is over */
  computedMS?: number
  /** the others of its stage wait for it most of the time */
  bottleneck?: boolean
}

/** Health answers /healthz and /readyz. */
export interface Health {
  /** "ok", or what is missing */
  status: string
  version: string
}

/** Snapshot is a run as it is. */
export interface Snapshot {
  kind: "snapshot"
  seq: number
  /** with Nodes */
  run: Run
  /** the last ones */
  log: LogLine[]
}

/** Delta is what changed since the message before. */
export interface Delta {
  kind: "delta"
  seq: number
  /** without Nodes, when state, times, totals or error changed */
  run?: Run
  /** changed ones, whole */
  nodes?: NodeStatus[]
  /** new ones */
  log?: LogLine[]
}

/** Ask is what a client may send: kind "snapshot". */
export interface Ask {
  kind: "snapshot"
}

/** LiveMessage is what the WebSocket of a run sends. */
export type LiveMessage = Snapshot | Delta

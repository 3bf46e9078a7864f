-- Times are microseconds since 1970 in UTC; counts are records. parameters, error, nodes and samples are JSON.

-- +goose Up
CREATE TABLE runs (
    id         TEXT    NOT NULL PRIMARY KEY,
    project    TEXT    NOT NULL,
    flow_id    TEXT    NOT NULL REFERENCES flows (id),
    flow_name  TEXT    NOT NULL,
    revision   INTEGER NOT NULL,
    until      TEXT    NOT NULL,
    cause      TEXT    NOT NULL, -- the trigger
    parameters TEXT    NOT NULL,
    key        TEXT,             -- idempotency key
    state      TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    attempt    INTEGER NOT NULL,
    fence      INTEGER NOT NULL DEFAULT 0, -- of the newest lease; grows
    granted    INTEGER NOT NULL DEFAULT 0, -- 1 once an attempt was allowed to commit
    created_us INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    started_us INTEGER,
    ended_us   INTEGER,
    records_read     INTEGER NOT NULL DEFAULT 0,
    records_written  INTEGER NOT NULL DEFAULT 0,
    records_rejected INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    nodes      TEXT    NOT NULL DEFAULT '[]',
    FOREIGN KEY (flow_id, revision) REFERENCES revisions (flow_id, number)
) STRICT;

CREATE UNIQUE INDEX runs_by_key ON runs (project, key) WHERE key IS NOT NULL;
CREATE INDEX runs_by_creation ON runs (project, created_us DESC, id DESC);
CREATE INDEX runs_by_flow ON runs (project, flow_id, created_us DESC, id DESC);
CREATE INDEX runs_by_state ON runs (project, state, created_us DESC, id DESC);

CREATE TABLE run_log (
    run_id   TEXT    NOT NULL REFERENCES runs (id),
    seq      INTEGER NOT NULL,
    at_us    INTEGER NOT NULL,
    severity TEXT    NOT NULL,
    message  TEXT    NOT NULL,
    error    TEXT,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_rejects (
    run_id TEXT    NOT NULL REFERENCES runs (id),
    seq    INTEGER NOT NULL,
    node   TEXT    NOT NULL,
    reject TEXT    NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_rejects_by_node ON run_rejects (run_id, node, seq);

CREATE TABLE run_samples (
    run_id TEXT NOT NULL REFERENCES runs (id),
    node   TEXT NOT NULL,
    port   TEXT NOT NULL,
    sample TEXT NOT NULL,
    PRIMARY KEY (run_id, node, port)
) STRICT, WITHOUT ROWID;

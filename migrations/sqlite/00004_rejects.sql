-- A reject begins "held"; when its run has committed it is "open" and stands in the inbox. search is the record and its
-- reason, case folded, cut off. replay is the run that has it or has committed it.

-- +goose Up
CREATE TABLE rejects (
    run_id      TEXT    NOT NULL REFERENCES runs (id),
    seq         INTEGER NOT NULL,
    project     TEXT    NOT NULL,
    flow_id     TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    node        TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    field       TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('held', 'open', 'replaying', 'replayed', 'discarded')),
    at_us       INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    replay      TEXT,
    earlier     TEXT,
    resolved_us INTEGER,
    resolved_by TEXT,
    comment     TEXT,
    search      TEXT    NOT NULL,
    reject      TEXT    NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT;

INSERT INTO rejects (run_id, seq, project, flow_id, revision, node, code, field, state, at_us, bytes, search, reject)
SELECT o.run_id, o.seq, r.project, r.flow_id, r.revision, o.node, coalesce(json_extract(o.reject, '$.code'), ''), coalesce(json_extract(o.reject, '$.field'), ''),
    CASE WHEN r.state = 'succeeded' THEN 'open' ELSE 'held' END, coalesce(r.ended_us, r.created_us), length(CAST(o.reject AS BLOB)), lower(substr(o.reject, 1, 2000)), o.reject
FROM run_rejects o JOIN runs r ON r.id = o.run_id;

DROP TABLE run_rejects;

CREATE INDEX rejects_by_node ON rejects (run_id, node, seq);
CREATE INDEX rejects_by_group ON rejects (project, state, flow_id, node, code, field, at_us);
CREATE INDEX rejects_by_time ON rejects (project, state, at_us DESC, run_id DESC, seq DESC);
CREATE INDEX rejects_by_age ON rejects (at_us);
CREATE INDEX rejects_by_replay ON rejects (replay) WHERE replay IS NOT NULL;

CREATE TABLE reject_usage (
    project TEXT    NOT NULL PRIMARY KEY,
    bytes   INTEGER NOT NULL
) STRICT;

INSERT INTO reject_usage (project, bytes) SELECT project, sum(bytes) FROM rejects GROUP BY project;

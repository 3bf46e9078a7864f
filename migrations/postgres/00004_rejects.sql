-- A reject begins "held"; when its run has committed it is "open" and stands in the inbox. search is the record and its
-- reason, case folded, cut off. replay is the run that has it or has committed it.

-- +goose Up
CREATE TABLE rejects (
    run_id      TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    seq         BIGINT NOT NULL,
    project TEXT COLLATE "C" NOT NULL,
    flow_id TEXT COLLATE "C" NOT NULL,
    revision    BIGINT NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    field TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('held', 'open', 'replaying', 'replayed', 'discarded')),
    at_us       BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    replay      TEXT COLLATE "C",
    earlier     TEXT,
    resolved_us BIGINT,
    resolved_by TEXT,
    comment     TEXT,
    search      TEXT    NOT NULL,
    reject      TEXT    NOT NULL,
    PRIMARY KEY (run_id, seq)
);

INSERT INTO rejects (run_id, seq, project, flow_id, revision, node, code, field, state, at_us, bytes, search, reject)
SELECT o.run_id, o.seq, r.project, r.flow_id, r.revision, o.node, coalesce(o.reject::json ->> 'code', ''), CASE WHEN o.reject LIKE '%\\u0000%' THEN '' ELSE coalesce(o.reject::json ->> 'field', '') END,
    CASE WHEN r.state = 'succeeded' THEN 'open' ELSE 'held' END, coalesce(r.ended_us, r.created_us), octet_length(o.reject), lower(substr(o.reject, 1, 2000)), o.reject
FROM run_rejects o JOIN runs r ON r.id = o.run_id;

DROP TABLE run_rejects;

CREATE INDEX rejects_by_node ON rejects (run_id, node, seq);
CREATE INDEX rejects_by_group ON rejects (project, state, flow_id, node, code, field, at_us);
CREATE INDEX rejects_by_time ON rejects (project, state, at_us DESC, run_id DESC, seq DESC);
CREATE INDEX rejects_by_age ON rejects (at_us);
CREATE INDEX rejects_by_replay ON rejects (replay) WHERE replay IS NOT NULL;

CREATE TABLE reject_usage (
    project TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    bytes   BIGINT NOT NULL
);

INSERT INTO reject_usage (project, bytes) SELECT project, sum(bytes) FROM rejects GROUP BY project;

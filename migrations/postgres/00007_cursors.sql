-- How far the incremental sources of flows were read. cursor is JSON; generation is its own, which grows when a person
-- sets it.

-- +goose Up
CREATE TABLE flow_cursors (
    flow_id    TEXT COLLATE "C" NOT NULL REFERENCES flows (id),
    node       TEXT COLLATE "C" NOT NULL,
    project    TEXT    NOT NULL,
    cursor     TEXT    NOT NULL,
    generation BIGINT NOT NULL,
    run        TEXT    NOT NULL, -- that reached it; empty: a person set it
    updated_us BIGINT NOT NULL,
    updated_by TEXT    NOT NULL,
    PRIMARY KEY (flow_id, node)
);

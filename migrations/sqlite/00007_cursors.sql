-- How far the incremental sources of flows were read. cursor is JSON; generation is its own, which grows when a person
-- sets it.

-- +goose Up
CREATE TABLE flow_cursors (
    flow_id    TEXT NOT NULL REFERENCES flows (id),
    node       TEXT NOT NULL,
    project    TEXT    NOT NULL,
    cursor     TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    run        TEXT    NOT NULL, -- that reached it; empty: a person set it
    updated_us INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    PRIMARY KEY (flow_id, node)
) STRICT;

-- The environments of projects in their order; a project without a row has one, production. Connections lead somewhere else in
-- each, and incremental sources go on where they were in each.

-- +goose Up
CREATE TABLE environments (
    project  TEXT NOT NULL,
    name     TEXT NOT NULL,
    position INTEGER NOT NULL,
    standard INTEGER NOT NULL, -- 1: where nothing else is said
    PRIMARY KEY (project, name)
) STRICT;

ALTER TABLE connections ADD COLUMN environment TEXT NOT NULL DEFAULT 'production';
DROP INDEX connections_by_name;
CREATE UNIQUE INDEX connections_by_name ON connections (project, name, environment);

CREATE TABLE flow_cursors_by_environment (
    flow_id     TEXT NOT NULL REFERENCES flows (id),
    node        TEXT NOT NULL,
    environment TEXT NOT NULL,
    project     TEXT    NOT NULL,
    cursor      TEXT    NOT NULL,
    generation  INTEGER NOT NULL,
    run         TEXT    NOT NULL, -- that reached it; empty: a person set it
    updated_us  INTEGER NOT NULL,
    updated_by  TEXT    NOT NULL,
    PRIMARY KEY (flow_id, node, environment)
) STRICT;
INSERT INTO flow_cursors_by_environment SELECT flow_id, node, 'production', project, cursor, generation, run, updated_us, updated_by FROM flow_cursors;
DROP TABLE flow_cursors;
ALTER TABLE flow_cursors_by_environment RENAME TO flow_cursors;

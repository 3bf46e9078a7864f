-- The environments of projects in their order; a project without a row has one, production. Connections lead somewhere else in
-- each, and incremental sources go on where they were in each.

-- +goose Up
CREATE TABLE environments (
    project  TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    standard BIGINT NOT NULL, -- 1: where nothing else is said
    PRIMARY KEY (project, name)
);

ALTER TABLE connections ADD COLUMN environment TEXT NOT NULL DEFAULT 'production';
DROP INDEX connections_by_name;
CREATE UNIQUE INDEX connections_by_name ON connections (project, name, environment);

ALTER TABLE flow_cursors ADD COLUMN environment TEXT COLLATE "C" NOT NULL DEFAULT 'production';
ALTER TABLE flow_cursors DROP CONSTRAINT flow_cursors_pkey;
ALTER TABLE flow_cursors ADD PRIMARY KEY (flow_id, node, environment);

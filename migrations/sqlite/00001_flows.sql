-- Times are microseconds since 1970 in UTC. document is canonical JSON.

-- +goose Up
CREATE TABLE flows (
    id         TEXT    NOT NULL PRIMARY KEY,
    project    TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    search     TEXT    NOT NULL, -- the name, case folded and normalised
    document   BLOB    NOT NULL,
    etag       TEXT    NOT NULL,
    published  INTEGER NOT NULL DEFAULT 0,
    created_us INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    updated_us INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    deleted_us INTEGER
) STRICT;

CREATE INDEX flows_by_update ON flows (project, updated_us DESC, id DESC) WHERE deleted_us IS NULL;

CREATE TABLE revisions (
    flow_id    TEXT    NOT NULL REFERENCES flows (id),
    number     INTEGER NOT NULL CHECK (number > 0),
    project    TEXT    NOT NULL,
    hash       TEXT    NOT NULL,
    document   BLOB    NOT NULL,
    created_us INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    PRIMARY KEY (flow_id, number),
    UNIQUE (flow_id, hash)
) STRICT;

CREATE TABLE audit (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us       INTEGER NOT NULL,
    project     TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    object_type TEXT    NOT NULL,
    object_id   TEXT    NOT NULL,
    detail      TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_by_object ON audit (project, object_type, object_id, id);

-- +goose StatementBegin
CREATE TRIGGER audit_keeps_rows BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit rows are never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_keeps_all BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit rows are never removed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER revisions_are_frozen BEFORE UPDATE ON revisions
BEGIN
    SELECT RAISE(ABORT, 'a revision never changes');
END;
-- +goose StatementEnd

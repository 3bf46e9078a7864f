-- settings is JSON without secrets; sealed holds the secrets, encrypted; secrets is a JSON array of their names.

-- +goose Up
CREATE TABLE connections (
    id         TEXT    NOT NULL PRIMARY KEY,
    project    TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    settings   TEXT    NOT NULL,
    secrets    TEXT    NOT NULL,
    sealed     BLOB,
    place      TEXT    NOT NULL,
    etag       TEXT    NOT NULL,
    created_us INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    updated_us INTEGER NOT NULL,
    updated_by TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX connections_by_name ON connections (project, name);

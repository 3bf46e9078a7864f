-- settings is JSON without secrets; sealed holds the secrets, encrypted; secrets is a JSON array of their names.

-- +goose Up
CREATE TABLE connections (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    project    TEXT    NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    type       TEXT    NOT NULL,
    settings   TEXT    NOT NULL,
    secrets    TEXT    NOT NULL,
    sealed     BYTEA,
    place      TEXT    NOT NULL,
    etag       TEXT    NOT NULL,
    created_us BIGINT NOT NULL,
    created_by TEXT    NOT NULL,
    updated_us BIGINT NOT NULL,
    updated_by TEXT    NOT NULL
);

CREATE UNIQUE INDEX connections_by_name ON connections (project, name);

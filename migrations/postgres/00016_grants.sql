-- What access tokens of connections come from, encrypted: refresh tokens that their server replaces, and the tokens that last.
-- grant_key of a connection is empty where it has none, or where it was saved before there were any.

-- +goose Up
CREATE TABLE connection_grants (
    grant_key  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    project    TEXT   NOT NULL,
    sealed     BYTEA  NOT NULL,
    updated_us BIGINT NOT NULL
);

ALTER TABLE connections ADD COLUMN grant_key TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX connections_by_grant ON connections (grant_key);

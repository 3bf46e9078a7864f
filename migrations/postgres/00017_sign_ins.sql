-- Sign-ins that have begun: state and browser are digests, sealed holds the verifier of PKCE, encrypted.

-- +goose Up
CREATE TABLE connection_sign_ins (
    state      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    project    TEXT NOT NULL,
    connection TEXT NOT NULL,
    browser    TEXT NOT NULL,
    grant_key  TEXT NOT NULL,
    sealed     BYTEA NOT NULL,
    expires_us BIGINT NOT NULL,
    begun_by   TEXT NOT NULL
);

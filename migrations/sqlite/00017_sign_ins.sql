-- Sign-ins that have begun: state and browser are digests, sealed holds the verifier of PKCE, encrypted.

-- +goose Up
CREATE TABLE connection_sign_ins (
    state      TEXT NOT NULL PRIMARY KEY,
    project    TEXT NOT NULL,
    connection TEXT NOT NULL,
    browser    TEXT NOT NULL,
    grant_key  TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    expires_us INTEGER NOT NULL,
    begun_by   TEXT NOT NULL
) STRICT;

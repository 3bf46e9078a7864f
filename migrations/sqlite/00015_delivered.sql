-- What targets have sent for a run that is not over: an attempt after a crash goes on behind it. keys are 16 bytes each.

-- +goose Up
CREATE TABLE run_delivered (
    run_id TEXT NOT NULL REFERENCES runs (id),
    seq    INTEGER NOT NULL,
    node   TEXT NOT NULL,
    keys   BLOB NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT;

-- What targets have sent for a run that is not over: an attempt after a crash goes on behind it. keys are 16 bytes each.

-- +goose Up
CREATE TABLE run_delivered (
    run_id TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    seq    BIGINT NOT NULL,
    node   TEXT COLLATE "C" NOT NULL,
    keys   BYTEA NOT NULL,
    PRIMARY KEY (run_id, seq)
);

-- The records of a node that previews of a draft begin at. pin is JSON without the records, records JSON with them.

-- +goose Up
CREATE TABLE flow_pins (
    flow_id    TEXT NOT NULL REFERENCES flows (id),
    node       TEXT NOT NULL,
    project    TEXT    NOT NULL,
    pin        TEXT    NOT NULL,
    records    BLOB    NOT NULL,
    updated_us INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    PRIMARY KEY (flow_id, node)
) STRICT;

-- The records of a node that previews of a draft begin at. pin is JSON without the records, records JSON with them.

-- +goose Up
CREATE TABLE flow_pins (
    flow_id    TEXT COLLATE "C" NOT NULL REFERENCES flows (id),
    node       TEXT COLLATE "C" NOT NULL,
    project    TEXT   NOT NULL,
    pin        TEXT   NOT NULL,
    records    BYTEA  NOT NULL,
    updated_us BIGINT NOT NULL,
    updated_by TEXT   NOT NULL,
    PRIMARY KEY (flow_id, node)
);

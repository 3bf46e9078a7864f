-- What an API has answered when a sample was fetched for a node of a draft, as JSON; previews read it and call nothing.

-- +goose Up
CREATE TABLE flow_answers (
    flow_id    TEXT COLLATE "C" NOT NULL REFERENCES flows (id),
    node       TEXT COLLATE "C" NOT NULL,
    project    TEXT   NOT NULL,
    answer     BYTEA  NOT NULL,
    updated_us BIGINT NOT NULL,
    updated_by TEXT   NOT NULL,
    PRIMARY KEY (flow_id, node)
);

-- Times are microseconds since 1970 in UTC. document is canonical JSON. Ids sort by bytes, as in SQLite.

-- +goose Up
CREATE TABLE flows (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    project    TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    search     TEXT    NOT NULL, -- the name, case folded and normalised
    document   BYTEA   NOT NULL,
    etag       TEXT    NOT NULL,
    published  BIGINT  NOT NULL DEFAULT 0,
    created_us BIGINT  NOT NULL,
    created_by TEXT    NOT NULL,
    updated_us BIGINT  NOT NULL,
    updated_by TEXT    NOT NULL,
    deleted_us BIGINT
);

CREATE INDEX flows_by_update ON flows (project, updated_us DESC, id DESC) WHERE deleted_us IS NULL;

CREATE TABLE revisions (
    flow_id    TEXT COLLATE "C" NOT NULL REFERENCES flows (id),
    number     BIGINT  NOT NULL CHECK (number > 0),
    project    TEXT    NOT NULL,
    hash       TEXT    NOT NULL,
    document   BYTEA   NOT NULL,
    created_us BIGINT  NOT NULL,
    created_by TEXT    NOT NULL,
    PRIMARY KEY (flow_id, number),
    UNIQUE (flow_id, hash)
);

CREATE TABLE audit (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_us       BIGINT NOT NULL,
    project     TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    object_type TEXT   NOT NULL,
    object_id   TEXT COLLATE "C" NOT NULL,
    detail      TEXT   NOT NULL
);

CREATE INDEX audit_by_object ON audit (project, object_type, object_id, id);

-- +goose StatementBegin
CREATE FUNCTION spark_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_keeps_rows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION spark_refuse_change('audit rows are never changed or removed');

CREATE TRIGGER revisions_are_frozen BEFORE UPDATE ON revisions
    FOR EACH STATEMENT EXECUTE FUNCTION spark_refuse_change('a revision never changes');

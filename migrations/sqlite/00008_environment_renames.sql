-- What environments were named before, in the order in which they were renamed: revisions, which never change, say those names,
-- and so do the tables that flows of an environment have committed to. name is what the environment is named now.

-- +goose Up
CREATE TABLE environment_renames (
    project  TEXT    NOT NULL,
    former   TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (project, former)
) STRICT;

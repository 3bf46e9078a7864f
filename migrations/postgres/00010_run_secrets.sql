-- The secret parameters of a run, encrypted, and the environment that it takes place in. What was before environments belongs
-- to the first one of every project, production.

-- +goose Up
ALTER TABLE runs ADD COLUMN sealed BYTEA;
ALTER TABLE runs ADD COLUMN environment TEXT NOT NULL DEFAULT 'production';

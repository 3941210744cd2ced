-- Files that the server computes from others of the dataset.
CREATE TABLE derivation (
    id          TEXT PRIMARY KEY,              -- ordered by time
    kind        TEXT NOT NULL,                 -- 'convert'
    repo_id     TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    revision    TEXT NOT NULL,                 -- that was read
    source      TEXT NOT NULL,                 -- name of the table
    branch      TEXT NOT NULL,
    target      TEXT NOT NULL,                 -- path of the new file
    overwrite   BOOLEAN NOT NULL,              -- the file may exist already
    digest      TEXT NOT NULL,                 -- of everything that the result depends on
    user_id     TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE, -- with whose rights it is made
    state       TEXT NOT NULL,                 -- 'waiting' | 'running' | 'done' | 'failed'
    progress    BIGINT NOT NULL,               -- in thousandths
    attempts    BIGINT NOT NULL,
    rows        BIGINT,
    bytes       BIGINT,
    error       TEXT NOT NULL,                 -- why it failed, for people
    result      TEXT,                          -- the revision with the file
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX derivation_repo ON derivation (repo_id, id);
CREATE INDEX derivation_user ON derivation (user_id);
-- The same file is made once at a time.
CREATE UNIQUE INDEX derivation_open ON derivation (repo_id, digest) WHERE finished_at IS NULL;
CREATE INDEX derivation_finished ON derivation (finished_at);

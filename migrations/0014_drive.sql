-- What was deleted in the browser and can be brought back: where it stood, and the last revision that has it. History
-- keeps the files themselves.
CREATE TABLE trash (
    id         TEXT PRIMARY KEY,
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    path       TEXT NOT NULL,
    kind       TEXT NOT NULL,              -- 'file' | 'folder'
    size       BIGINT,                     -- of a file
    revision   TEXT NOT NULL,
    deleted_at BIGINT NOT NULL,
    deleted_by TEXT NOT NULL               -- a name for people
);
CREATE INDEX trash_repo ON trash (repo_id, id);

-- Files that come in parts through the server, by their path. What they hold is known at the end.
CREATE TABLE intake (
    id         TEXT PRIMARY KEY,           -- 16 bytes, hex
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    actor      TEXT NOT NULL,              -- who sends it
    path       TEXT NOT NULL,
    size       BIGINT NOT NULL,
    oid        TEXT,                       -- what was promised, then what was found
    store      TEXT NOT NULL,
    remote     TEXT NOT NULL,              -- what the bucket calls it; empty in a folder
    part_bytes BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    kept_at    BIGINT,                     -- when it became an object
    revision   TEXT                        -- the one that has the file
);
CREATE INDEX intake_repo ON intake (repo_id);
CREATE INDEX intake_expires ON intake (expires_at);

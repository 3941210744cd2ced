-- Xorbs: packed chunks of files that clients upload by Xet. They are kept for a while, so that the next version of a file
-- needs only its new chunks. A dataset has only those that were uploaded to it. Their bytes are an object like any other,
-- which no dataset holds.
CREATE TABLE xorb (
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    hash       TEXT NOT NULL,   -- as in URLs of the protocol
    store      TEXT NOT NULL,
    oid        TEXT NOT NULL,   -- of the xorb with its footer
    used_at    BIGINT NOT NULL, -- of its last upload or use
    expired_at BIGINT,          -- clients cannot find it any more; deleted after the grace period
    PRIMARY KEY (repo_id, hash)
);
CREATE INDEX xorb_object ON xorb (store, oid);
CREATE INDEX xorb_used ON xorb (used_at);

-- The xorbs of a file, in the order of their first use.
CREATE TABLE xorb_file (
    repo_id TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    oid     TEXT NOT NULL,      -- of the file
    number  BIGINT NOT NULL,
    xorb    TEXT NOT NULL,
    PRIMARY KEY (repo_id, oid, number)
);
CREATE INDEX xorb_file_xorb ON xorb_file (repo_id, xorb);

-- Chunks by which a client can find them: the first one of a file, and one of 1,024 others.
CREATE TABLE xorb_chunk (
    repo_id TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    chunk   TEXT NOT NULL,
    oid     TEXT NOT NULL,      -- of a file with this chunk
    number  BIGINT NOT NULL,    -- of the xorb in the file
    PRIMARY KEY (repo_id, chunk)
);
CREATE INDEX xorb_chunk_file ON xorb_chunk (repo_id, oid);

-- In URLs of the protocol. Clients keep a list of xorbs per URL; a new number makes them forget it.
ALTER TABLE dataset ADD COLUMN xorb_epoch BIGINT NOT NULL DEFAULT 0;

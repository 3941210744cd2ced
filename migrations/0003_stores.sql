-- Several stores: an object is one of a store, and a dataset belongs to one.
ALTER TABLE dataset ADD COLUMN store TEXT NOT NULL DEFAULT 'default';

ALTER TABLE object RENAME TO object_before;
ALTER TABLE holding RENAME TO holding_before;

-- What a store has. Shared by all datasets of the store.
CREATE TABLE object (
    store      TEXT NOT NULL,
    oid        TEXT NOT NULL,
    size       BIGINT NOT NULL,
    state      TEXT NOT NULL,                -- 'ready' | 'unproven' | 'quarantined'
    place      TEXT NOT NULL,                -- which of its keys in a bucket; '' in a folder, where it has one
    created_at BIGINT NOT NULL,
    orphaned_at BIGINT,                      -- when a collection found that no dataset holds it
    PRIMARY KEY (store, oid)
);

-- Which dataset may use which object. Never shared.
CREATE TABLE holding (
    repo_id      TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    oid          TEXT NOT NULL,
    store        TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    unused_since BIGINT,                     -- when a collection first found that no ref reaches it
    released_at  BIGINT,                     -- when a collection took it away; undone until the bytes go
    PRIMARY KEY (repo_id, oid),
    FOREIGN KEY (store, oid) REFERENCES object (store, oid)
);

INSERT INTO object (store, oid, size, state, place, created_at)
SELECT 'default', oid, size, state, '', created_at FROM object_before;
INSERT INTO holding (repo_id, oid, store, created_at)
SELECT repo_id, oid, 'default', created_at FROM holding_before;

DROP TABLE holding_before;
DROP TABLE object_before;

CREATE INDEX holding_object ON holding (store, oid);
CREATE INDEX holding_released ON holding (released_at);
CREATE INDEX object_orphaned ON object (orphaned_at);

-- What a dataset holds, changed by the transaction that changes it; and how much it may hold, all told.
CREATE TABLE usage (
    repo_id TEXT PRIMARY KEY REFERENCES dataset (id) ON DELETE CASCADE,
    bytes   BIGINT NOT NULL,
    objects BIGINT NOT NULL
);
INSERT INTO usage (repo_id, bytes, objects)
SELECT h.repo_id, SUM(o.size), COUNT(*) FROM holding h JOIN object o ON o.store = h.store AND o.oid = h.oid
GROUP BY h.repo_id;

ALTER TABLE dataset ADD COLUMN quota_bytes BIGINT;
ALTER TABLE owner ADD COLUMN quota_bytes BIGINT;

-- Uploads in parts that go on. Their bytes are found by their id, so that a row may outlive its dataset
-- until they are gone.
CREATE TABLE upload (
    id          TEXT PRIMARY KEY,            -- 16 bytes, hex
    repo_id     TEXT NOT NULL,
    oid         TEXT NOT NULL,
    size        BIGINT NOT NULL,
    store       TEXT NOT NULL,
    place       TEXT NOT NULL,               -- of the object in a bucket
    remote      TEXT NOT NULL,               -- what the bucket calls the upload; '' in a folder
    part_bytes  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    finished_at BIGINT,
    UNIQUE (repo_id, oid)
);
CREATE INDEX upload_expires ON upload (expires_at);

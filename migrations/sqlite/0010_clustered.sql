-- Objects and holdings are looked up, walked and collected by their names. Rows of these tables lie in that order from
-- here on, in place of the order of their arrival: a collection of many objects then writes far fewer pages.
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
) WITHOUT ROWID;

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
) WITHOUT ROWID;

INSERT INTO object (store, oid, size, state, place, created_at, orphaned_at)
SELECT store, oid, size, state, place, created_at, orphaned_at FROM object_before ORDER BY store, oid;
INSERT INTO holding (repo_id, oid, store, created_at, unused_since, released_at)
SELECT repo_id, oid, store, created_at, unused_since, released_at FROM holding_before ORDER BY repo_id, oid;

DROP TABLE holding_before;
DROP TABLE object_before;

CREATE INDEX holding_object ON holding (store, oid);
-- Nothing is in these that nobody collects: an upload does not touch them.
CREATE INDEX holding_released ON holding (released_at, store, oid) WHERE released_at IS NOT NULL;
CREATE INDEX object_orphaned ON object (store, oid) WHERE orphaned_at IS NOT NULL;

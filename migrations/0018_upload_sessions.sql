-- All uploads in progress: of LFS objects in parts, of files in parts, and of objects that go directly to a bucket, where
-- the dataset has a quota. A row may outlive its dataset until its bytes are deleted.
CREATE TABLE upload_session (
    id         TEXT PRIMARY KEY,           -- 16 bytes, hex
    repo_id    TEXT NOT NULL,
    kind       TEXT NOT NULL,              -- 'parts' | 'file' | 'direct' | 'staged'
    state      TEXT NOT NULL,              -- 'open' | 'finished' | 'aborted'
    actor      TEXT NOT NULL,              -- who uploads a file; otherwise empty
    path       TEXT NOT NULL,              -- of a file; otherwise empty
    oid        TEXT,                       -- of an object; of a file, once it was announced or computed
    size       BIGINT NOT NULL,            -- reserved while the upload is open
    store      TEXT NOT NULL,
    place      TEXT NOT NULL,              -- of the object in a bucket; empty if it is staged first
    remote     TEXT NOT NULL,              -- id of the multipart upload in a bucket; otherwise empty
    part_bytes BIGINT NOT NULL,            -- of each part but the last
    expires_at BIGINT NOT NULL,
    revision   TEXT                        -- the one that has the file
);

INSERT INTO upload_session
SELECT id, repo_id, 'parts', CASE WHEN finished_at IS NULL THEN 'open' ELSE 'finished' END, '', '', oid, size, store,
       place, remote, part_bytes, expires_at, NULL
FROM upload;

INSERT INTO upload_session
SELECT id, repo_id, 'file', CASE WHEN kept_at IS NULL THEN 'open' ELSE 'finished' END, actor, path, oid, size, store,
       '', remote, part_bytes, expires_at, revision
FROM intake;

-- A final key has a name of 8 bytes. In a container of Azure, an object is staged whole or as the only part of an
-- upload: one row is enough for both.
INSERT INTO upload_session
SELECT CASE WHEN kind = 'place' THEN berth || berth ELSE berth END, repo_id,
       CASE WHEN kind = 'place' THEN 'direct' ELSE 'staged' END, 'open', '', '', oid, size, store,
       CASE WHEN kind = 'place' THEN berth ELSE '' END, CASE WHEN kind = 'part' THEN berth ELSE '' END,
       10000000, expires_at, NULL
FROM direct_upload d
WHERE kind <> 'part' OR NOT EXISTS (
    SELECT 1 FROM direct_upload s WHERE s.repo_id = d.repo_id AND s.oid = d.oid AND s.kind = 'staged');

DROP TABLE upload;
DROP TABLE intake;
DROP TABLE direct_upload;

-- One upload of each kind for an object of a dataset.
CREATE UNIQUE INDEX upload_session_open ON upload_session (repo_id, oid, kind) WHERE path = '' AND state = 'open';
CREATE INDEX upload_session_repo ON upload_session (repo_id);
CREATE INDEX upload_session_expires ON upload_session (expires_at);

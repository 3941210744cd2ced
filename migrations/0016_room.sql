-- Quotas count what git holds, and what uploads under way are going to hold.

-- Bytes of the live packs of a dataset, changed by the transaction that changes them; and of those, what came although
-- there was no room.
ALTER TABLE usage ADD COLUMN git_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN above_bytes BIGINT NOT NULL DEFAULT 0;

INSERT INTO usage (repo_id, bytes, objects)
SELECT d.id, 0, 0 FROM dataset d
WHERE EXISTS (SELECT 1 FROM git_pack p WHERE p.repo_id = d.id AND p.retired_at IS NULL)
AND NOT EXISTS (SELECT 1 FROM usage u WHERE u.repo_id = d.id);

UPDATE usage SET git_bytes = COALESCE((
    SELECT SUM(p.pack_bytes) FROM git_pack p WHERE p.repo_id = usage.repo_id AND p.retired_at IS NULL), 0);

-- What an upload under way is going to add: its size, until the object is recorded.
ALTER TABLE upload ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0;
UPDATE upload SET reserved = size WHERE finished_at IS NULL;
ALTER TABLE intake ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0;
UPDATE intake SET reserved = size WHERE kept_at IS NULL;

-- Objects for which a client was given a URL of a bucket, where the dataset has a quota. Kept until the URL has expired
-- and what it brought is the dataset's or deleted; a row may outlive its dataset until then.
CREATE TABLE direct_upload (
    repo_id    TEXT NOT NULL,
    oid        TEXT NOT NULL,
    kind       TEXT NOT NULL,              -- where it goes: 'place' | 'staged' | 'part'
    berth      TEXT NOT NULL,              -- which one, hex
    size       BIGINT NOT NULL,            -- as it was announced
    store      TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (repo_id, oid, kind)
);
CREATE INDEX direct_upload_expires ON direct_upload (expires_at);

-- File requests: links by which others upload files to a folder, and see nothing of it.
CREATE TABLE file_request (
    share_id  TEXT PRIMARY KEY REFERENCES share (id) ON DELETE CASCADE,
    title     TEXT NOT NULL,
    message   TEXT NOT NULL,                 -- may be empty
    max_bytes BIGINT NOT NULL,
    max_files BIGINT NOT NULL,
    bytes     BIGINT NOT NULL,               -- received so far
    files     BIGINT NOT NULL                -- received so far
);

-- The creator of a link is notified when it is opened; of a file request, when files arrive.
ALTER TABLE share ADD COLUMN notify BOOLEAN NOT NULL DEFAULT FALSE;
-- Times that it was opened, or files that arrived, since the last notification.
ALTER TABLE share ADD COLUMN uses BIGINT NOT NULL DEFAULT 0;
ALTER TABLE share ADD COLUMN notified_at BIGINT;

CREATE TABLE share_notification (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    path       TEXT NOT NULL,                -- what was shared; '' = the whole dataset
    title      TEXT NOT NULL,                -- its name, or the title of the file request
    kind       TEXT NOT NULL,                -- 'opened' | 'received'
    count      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    read_at    BIGINT
);
CREATE INDEX share_notification_user ON share_notification (user_id, id);
CREATE INDEX share_notification_created ON share_notification (created_at);

-- Users are found by the beginning of their names.
CREATE INDEX owner_kind_name ON owner (kind, name text_pattern_ops);

-- What happened in datasets, for the lists of activity.
CREATE TABLE activity (
    id            TEXT PRIMARY KEY,          -- in order of time; of the discussion or its event, if it is about one
    repo_id       TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    kind          TEXT NOT NULL,             -- 'version' | 'release' | 'opened' | 'commented' | 'closed' | 'reopened' | 'merged'
    author_id     TEXT REFERENCES owner (id) ON DELETE SET NULL,
    discussion_id TEXT REFERENCES discussion (id) ON DELETE CASCADE,
    revision      TEXT,                      -- of a version, a release or a merge
    before        TEXT,                      -- the version before it
    tag           TEXT,                      -- of a release
    title         TEXT NOT NULL,             -- first line of the message of the revision; '' until it has been read
    signature     TEXT NOT NULL,             -- name of the author in the revision, likewise
    noted         BOOLEAN NOT NULL,          -- false: the revision has still to be read, and users to be notified
    quiet         BOOLEAN NOT NULL,          -- true: users are not notified of it, or in another way
    created_at    BIGINT NOT NULL
);
CREATE INDEX activity_dataset ON activity (repo_id, id);
CREATE INDEX activity_author ON activity (author_id);
CREATE INDEX activity_discussion ON activity (discussion_id);
CREATE INDEX activity_created ON activity (created_at);

INSERT INTO activity (id, repo_id, kind, author_id, discussion_id, title, signature, noted, quiet, created_at)
SELECT d.id, d.repo_id, 'opened', d.author_id, d.id, '', '', TRUE, TRUE, d.created_at FROM discussion d;

-- A comment that was written together with the discussion is a part of it.
INSERT INTO activity (id, repo_id, kind, author_id, discussion_id, revision, title, signature, noted, quiet, created_at)
SELECT e.id, d.repo_id,
       CASE WHEN e.kind = 'comment' THEN 'commented' WHEN e.kind = 'merge' THEN 'merged'
            WHEN e.after = 'open' THEN 'reopened' ELSE 'closed' END,
       e.author_id, d.id, CASE WHEN e.kind = 'merge' THEN e.after END, '', '', TRUE, TRUE, e.created_at
FROM discussion_event e JOIN discussion d ON d.id = e.discussion_id
WHERE e.kind IN ('comment', 'merge', 'state') AND NOT (e.kind = 'comment' AND e.number = 1 AND e.created_at = d.created_at);

-- Notifications of new versions and releases: one of each kind for a dataset, which counts what is new since it was read.
CREATE TABLE version_notification (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,                -- 'version' | 'release'
    title      TEXT NOT NULL,                -- of the newest one: first line of the message, or the tag
    author     TEXT NOT NULL,                -- name of the user who made it; may be empty
    revision   TEXT NOT NULL,
    count      BIGINT NOT NULL,
    shown      BOOLEAN NOT NULL,             -- false: sent by e-mail only
    created_at BIGINT NOT NULL,
    read_at    BIGINT,
    mailed_at  BIGINT,
    UNIQUE (user_id, repo_id, kind)
);
CREATE INDEX version_notification_dataset ON version_notification (repo_id);
CREATE INDEX version_notification_created ON version_notification (created_at);

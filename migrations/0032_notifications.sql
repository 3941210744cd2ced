-- Users are notified of what happens in discussions.
CREATE TABLE follow (
    user_id    TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, repo_id)
);
CREATE INDEX follow_dataset ON follow (repo_id);

CREATE TABLE notification (
    id            TEXT PRIMARY KEY,
    user_id       TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    discussion_id TEXT NOT NULL REFERENCES discussion (id) ON DELETE CASCADE,
    subject       TEXT NOT NULL,             -- id of the event, or of the discussion that was opened
    reason        TEXT NOT NULL,             -- 'mention' | 'participating' | 'owner' | 'following'
    author        TEXT NOT NULL,             -- name of the user who caused it
    kind          TEXT NOT NULL,             -- of the event; 'comment' for a new discussion
    shown         BOOLEAN NOT NULL,          -- false: sent by e-mail only
    created_at    BIGINT NOT NULL,
    read_at       BIGINT,
    UNIQUE (user_id, subject)
);
CREATE INDEX notification_discussion ON notification (discussion_id);
CREATE INDEX notification_created ON notification (created_at);

-- What a user is notified of, where it differs from the default: everything.
CREATE TABLE notification_setting (
    user_id TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    reason  TEXT NOT NULL,
    shown   BOOLEAN NOT NULL,
    email   BOOLEAN NOT NULL,
    PRIMARY KEY (user_id, reason)
);

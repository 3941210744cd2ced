-- Discussions and proposals (pull requests) of datasets.
ALTER TABLE dataset ADD COLUMN discussions BIGINT NOT NULL DEFAULT 0; -- the last number that was given

CREATE TABLE discussion (
    id         TEXT PRIMARY KEY,
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    number     BIGINT NOT NULL,              -- in the dataset; discussions and proposals have one numbering
    kind       TEXT NOT NULL,                -- 'discussion' | 'proposal'
    title      TEXT NOT NULL,
    author_id  TEXT REFERENCES owner (id) ON DELETE SET NULL,
    state      TEXT NOT NULL,                -- 'open' | 'closed' | 'merged'
    source     TEXT,                         -- the branch to merge, a full ref name; NULL for a discussion
    target     TEXT,                         -- the branch to merge into
    base       TEXT,                         -- the common ancestor when it was opened, or merged
    head       TEXT,                         -- revision of the source branch when it was opened, merged or deleted
    merged     TEXT,                         -- the revision of the target branch that the merge created
    events     BIGINT NOT NULL,              -- number of the last event
    comments   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    closed_at  BIGINT,                       -- when it was closed or merged
    UNIQUE (repo_id, number)
);
CREATE INDEX discussion_state ON discussion (repo_id, state, number);
CREATE INDEX discussion_author ON discussion (author_id, repo_id, state);

CREATE TABLE discussion_event (
    id            TEXT PRIMARY KEY,
    discussion_id TEXT NOT NULL REFERENCES discussion (id) ON DELETE CASCADE,
    number        BIGINT NOT NULL,           -- in the discussion
    kind          TEXT NOT NULL,             -- 'comment' | 'title' | 'state' | 'merge' | 'branch'
    author_id     TEXT REFERENCES owner (id) ON DELETE SET NULL,
    body          TEXT NOT NULL,             -- of a comment, in Markdown; '' if it is hidden
    before        TEXT,                      -- the former title, state, or name of the branch
    after         TEXT,                      -- the new one; NULL for a deleted branch; for a merge, the revision
    created_at    BIGINT NOT NULL,
    edited_at     BIGINT,
    hidden_at     BIGINT,
    hidden_by     TEXT REFERENCES owner (id) ON DELETE SET NULL,
    UNIQUE (discussion_id, number)
);
CREATE INDEX discussion_event_author ON discussion_event (author_id, created_at);
CREATE INDEX discussion_event_hidden_by ON discussion_event (hidden_by);

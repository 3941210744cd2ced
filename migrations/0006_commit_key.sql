-- What commits were asked for under an `Idempotency-Key`: written by the transaction that makes the revision.
CREATE TABLE commit_key (
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    actor      TEXT NOT NULL,                -- the actor's stable key
    name       TEXT NOT NULL,                -- what the client calls it
    digest     TEXT NOT NULL,                -- of the request, sha256, hex
    revision   TEXT NOT NULL,                -- what came of it
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repo_id, actor, name)
);
CREATE INDEX commit_key_created ON commit_key (created_at);

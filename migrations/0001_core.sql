-- Portable subset of SQLite and PostgreSQL: TEXT ids (UUIDv7), BIGINT epoch
-- milliseconds, BOOLEAN, TEXT json. BYTEA has no special meaning to SQLite,
-- which stores the bytes as they are.

-- Users and organisations share one space of names.
CREATE TABLE owner (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,              -- 'user' | 'organisation'
    created_at  BIGINT NOT NULL
);

CREATE TABLE account (
    owner_id     TEXT PRIMARY KEY REFERENCES owner (id) ON DELETE CASCADE,
    email        TEXT NOT NULL UNIQUE,
    password     TEXT,                       -- argon2id PHC string
    admin        BOOLEAN NOT NULL,
    suspended_at BIGINT
);

CREATE TABLE member (
    organisation_id TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    user_id         TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    role            TEXT NOT NULL,           -- 'reader' | 'writer' | 'owner'
    PRIMARY KEY (organisation_id, user_id)
);
CREATE INDEX member_user ON member (user_id);

CREATE TABLE token (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL UNIQUE,       -- sha256 of the token, hex
    scopes       TEXT NOT NULL,              -- space separated
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,
    revoked_at   BIGINT
);
CREATE INDEX token_user ON token (user_id);

-- Keys that this server made for itself, sealed with the server's secret.
CREATE TABLE signing_key (
    kid        TEXT PRIMARY KEY,
    sealed     TEXT NOT NULL,
    public     TEXT NOT NULL,                -- JWK, json
    created_at BIGINT NOT NULL
);

-- A dataset and the head of its git repository.
CREATE TABLE dataset (
    id         TEXT PRIMARY KEY,
    owner_id   TEXT NOT NULL REFERENCES owner (id),
    name       TEXT NOT NULL,
    visibility TEXT NOT NULL,                -- 'private' | 'internal' | 'public'
    head       TEXT NOT NULL,                -- the default branch, a full ref name
    protected  TEXT NOT NULL,                -- json array of full ref names
    generation BIGINT NOT NULL,              -- of (refs, packs); grows with each write
    gc_epoch   BIGINT NOT NULL,              -- grows when objects may have been dropped
    created_at BIGINT NOT NULL,
    UNIQUE (owner_id, name)
);

CREATE TABLE git_ref (
    repo_id TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    target  TEXT NOT NULL,
    peeled  TEXT,
    PRIMARY KEY (repo_id, name)
);

CREATE TABLE git_pack (
    repo_id     TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    pack_id     TEXT NOT NULL,               -- the pack's trailer
    object_key  TEXT NOT NULL UNIQUE,        -- never reused, so that a retired file can be deleted safely
    pack_bytes  BIGINT NOT NULL,
    idx_bytes   BIGINT NOT NULL,
    objects     BIGINT NOT NULL,
    inline_pack BYTEA,
    inline_idx  BYTEA,
    added_at    BIGINT NOT NULL,
    retired_at  BIGINT,
    PRIMARY KEY (repo_id, pack_id)
);
CREATE INDEX git_pack_retired ON git_pack (retired_at);

-- What is, or may be, in the pack store without a row in git_pack: written
-- before the upload, removed by the transaction that links the pack.
CREATE TABLE git_upload (
    object_key TEXT PRIMARY KEY,
    repo_id    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE git_ref_log (
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    name       TEXT NOT NULL,
    old_target TEXT,
    new_target TEXT,
    actor      TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (repo_id, generation, name)
);

-- What a store has. Shared by all datasets of the store.
CREATE TABLE object (
    oid        TEXT PRIMARY KEY,
    size       BIGINT NOT NULL,
    state      TEXT NOT NULL,                -- 'ready' | 'quarantined'
    created_at BIGINT NOT NULL
);

-- Which dataset may use which object. Never shared.
CREATE TABLE holding (
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    oid        TEXT NOT NULL REFERENCES object (oid),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (repo_id, oid)
);
CREATE INDEX holding_oid ON holding (oid);

CREATE TABLE lfs_lock (
    id        TEXT PRIMARY KEY,
    repo_id   TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    path      TEXT NOT NULL,
    ref_name  TEXT NOT NULL,                 -- '' = whatever the ref
    owner     TEXT NOT NULL,                 -- the actor's stable key
    owner_name TEXT NOT NULL,
    locked_at BIGINT NOT NULL,
    UNIQUE (repo_id, path)
);

CREATE TABLE job (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    run_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    leased_until BIGINT,
    last_error TEXT,
    UNIQUE (kind, subject)                   -- a job that waits already is not queued twice
);
CREATE INDEX job_due ON job (run_at);

CREATE TABLE audit (
    id         TEXT PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    detail     TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);

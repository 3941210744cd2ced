-- Who else gets at a file, a folder or a whole dataset. Of user_id, team_id, email and link exactly one is set.
CREATE TABLE share (
    id           TEXT PRIMARY KEY,
    repo_id      TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    path         TEXT NOT NULL,              -- '' = the whole dataset
    kind         TEXT NOT NULL,              -- 'file' | 'folder' | 'dataset'
    user_id      TEXT REFERENCES owner (id) ON DELETE CASCADE,
    team_id      TEXT REFERENCES team (id) ON DELETE CASCADE,
    email        TEXT,                       -- good for whose account has this address
    link         TEXT UNIQUE,                -- sha256 of the link, hex
    level        TEXT NOT NULL,              -- 'view' | 'edit'
    app          TEXT,                       -- good only through this app
    expires_at   BIGINT,
    password     TEXT,                       -- of a link: argon2id PHC string
    downloads    BIGINT NOT NULL,            -- by a link, so far
    downloads_most BIGINT,
    created_at   BIGINT NOT NULL,
    creator_id   TEXT REFERENCES owner (id) ON DELETE SET NULL,
    creator      TEXT NOT NULL,              -- the actor's name, for people
    last_used_at BIGINT,                     -- to the hour
    UNIQUE (repo_id, path, user_id),
    UNIQUE (repo_id, path, team_id),
    UNIQUE (repo_id, path, email)
);
CREATE INDEX share_user ON share (user_id);
CREATE INDEX share_team ON share (team_id);
CREATE INDEX share_email ON share (email);
CREATE INDEX share_creator ON share (creator_id);

-- Somebody opened a link, and may use it for a while. Goes when the share is changed.
CREATE TABLE share_opening (
    hash       TEXT PRIMARY KEY,             -- sha256 of the bearer, hex
    share_id   TEXT NOT NULL REFERENCES share (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX share_opening_share ON share_opening (share_id);
CREATE INDEX share_opening_expires ON share_opening (expires_at);

-- What was downloaded under an opening, and counted.
CREATE TABLE share_download (
    opening TEXT NOT NULL REFERENCES share_opening (hash) ON DELETE CASCADE,
    subject TEXT NOT NULL,                   -- sha256 of the paths, hex
    PRIMARY KEY (opening, subject)
);

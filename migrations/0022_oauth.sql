-- Signing keys are replaced: a new one is published before it signs, an old one until its last token has expired.
ALTER TABLE signing_key ADD COLUMN signs_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_key ADD COLUMN retires_at BIGINT;

-- Applications that act for users.
CREATE TABLE oauth_client (
    id              TEXT PRIMARY KEY,
    owner_id        TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    name            TEXT NOT NULL,           -- for people; not unique
    home            TEXT NOT NULL,           -- URL; '' = none
    secret          TEXT,                    -- sha256, hex; NULL: a public client
    previous_secret TEXT,                    -- sha256, hex
    previous_until  BIGINT,
    redirects       TEXT NOT NULL,           -- json array of URLs
    scopes          TEXT NOT NULL,           -- the most it may ask for, separated by spaces
    created_at      BIGINT NOT NULL,
    disabled_at     BIGINT
);
CREATE INDEX oauth_client_owner ON oauth_client (owner_id);

-- What users allow applications; revoked with empty scopes.
CREATE TABLE consent (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL REFERENCES oauth_client (id) ON DELETE CASCADE,
    scopes     TEXT NOT NULL,
    given_at   BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (user_id, client_id)
);
CREATE INDEX consent_client ON consent (client_id);

-- Logins of users at applications. Tokens are MACs over a login; none is stored.
CREATE TABLE oauth_login (
    id         TEXT PRIMARY KEY,             -- that of the code
    client_id  TEXT NOT NULL REFERENCES oauth_client (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    session_id TEXT,                         -- it ends with this session; NULL with offline_access
    scopes     TEXT NOT NULL,
    auth_at    BIGINT NOT NULL,              -- when the user signed in
    amr        TEXT NOT NULL,                -- and how (RFC 8176, separated by spaces)
    generation BIGINT NOT NULL,              -- of the valid refresh token
    rotated_at BIGINT NOT NULL,              -- when that was issued
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,              -- without a refresh
    ended_at   BIGINT
);
CREATE INDEX oauth_login_client ON oauth_login (client_id);
CREATE INDEX oauth_login_user ON oauth_login (user_id, client_id);
CREATE INDEX oauth_login_expires ON oauth_login (expires_at);

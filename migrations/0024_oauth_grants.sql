-- Applications may use more ways to get tokens, belong to the server itself, and be notified of logouts. The tables are
-- created again, because SQLite cannot change a column.
CREATE TABLE new_oauth_client (
    id               TEXT PRIMARY KEY,
    owner_id         TEXT REFERENCES owner (id) ON DELETE CASCADE, -- NULL: built in
    name             TEXT NOT NULL,           -- for people; not unique
    home             TEXT NOT NULL,           -- URL; '' = none
    secret           TEXT,                    -- sha256, hex; NULL: a public client
    previous_secret  TEXT,                    -- sha256, hex
    previous_until   BIGINT,
    redirects        TEXT NOT NULL,           -- json array of URLs
    grants           TEXT NOT NULL,           -- grant types, separated by spaces
    scopes           TEXT NOT NULL,           -- the most it may ask for, separated by spaces
    acts_as          TEXT REFERENCES owner (id) ON DELETE SET NULL, -- with client credentials
    logout_redirects TEXT NOT NULL,           -- json array of URLs
    logout_url       TEXT,                    -- notified of logouts (OpenID Connect Back-Channel Logout)
    created_at       BIGINT NOT NULL,
    disabled_at      BIGINT
);
INSERT INTO new_oauth_client
SELECT id, owner_id, name, home, secret, previous_secret, previous_until, redirects,
       'authorization_code refresh_token', scopes, NULL, '[]', NULL, created_at, disabled_at
FROM oauth_client;

CREATE TABLE new_consent (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL REFERENCES new_oauth_client (id) ON DELETE CASCADE,
    scopes     TEXT NOT NULL,
    given_at   BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (user_id, client_id)
);
INSERT INTO new_consent SELECT id, user_id, client_id, scopes, given_at, changed_at FROM consent;

CREATE TABLE new_oauth_login (
    id         TEXT PRIMARY KEY,             -- that of the code
    client_id  TEXT NOT NULL REFERENCES new_oauth_client (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    grant_type TEXT NOT NULL,                -- by which it began
    session_id TEXT,                         -- it ends with this session; NULL with offline_access
    scopes     TEXT NOT NULL,
    auth_at    BIGINT NOT NULL,              -- when the user signed in
    amr        TEXT NOT NULL,                -- and how (RFC 8176, separated by spaces)
    generation BIGINT NOT NULL,              -- of the valid refresh token
    rotated_at BIGINT NOT NULL,              -- when that was issued
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,              -- without a refresh
    ended_at   BIGINT,
    notified_at BIGINT,                      -- when the application was notified that it ended
    retry_at   BIGINT                        -- if the application was not reachable
);
INSERT INTO new_oauth_login
SELECT id, client_id, user_id, 'authorization_code', session_id, scopes, auth_at, amr, generation, rotated_at, created_at,
       expires_at, ended_at, ended_at, NULL
FROM oauth_login;

DROP TABLE oauth_login;
DROP TABLE consent;
DROP TABLE oauth_client;
ALTER TABLE new_oauth_client RENAME TO oauth_client;
ALTER TABLE new_consent RENAME TO consent;
ALTER TABLE new_oauth_login RENAME TO oauth_login;
CREATE INDEX oauth_client_owner ON oauth_client (owner_id);
CREATE INDEX oauth_client_acts_as ON oauth_client (acts_as);
CREATE INDEX consent_client ON consent (client_id);
CREATE INDEX oauth_login_client ON oauth_login (client_id);
CREATE INDEX oauth_login_user ON oauth_login (user_id, client_id);
CREATE INDEX oauth_login_expires ON oauth_login (expires_at);
CREATE INDEX oauth_login_session ON oauth_login (session_id);

-- The command line of this program.
INSERT INTO oauth_client (id, owner_id, name, home, redirects, grants, scopes, logout_redirects, created_at)
VALUES ('00000000-0000-7000-8000-000000000001', NULL, 'rutter command line', '', '[]',
        'refresh_token urn:ietf:params:oauth:grant-type:device_code',
        'openid profile email offline_access read write', '[]', 0);

-- Files, folders and datasets that users gave to applications (scope `files`).
CREATE TABLE consent_path (
    consent_id TEXT NOT NULL REFERENCES consent (id) ON DELETE CASCADE,
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    path       TEXT NOT NULL,                -- '' = the whole dataset
    level      TEXT NOT NULL,                -- 'view' | 'edit'
    given_at   BIGINT NOT NULL,
    PRIMARY KEY (consent_id, repo_id, path)
);
CREATE INDEX consent_path_dataset ON consent_path (repo_id);

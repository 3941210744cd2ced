-- Apps that can be installed, beside those that are built in.
CREATE TABLE app (
    name         TEXT PRIMARY KEY,
    manifest     TEXT NOT NULL,               -- TOML, as it was added
    enabled      BOOLEAN NOT NULL,
    preinstalled BOOLEAN NOT NULL,            -- installed for each new account
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);

-- Storage of apps. One that is kept when its app is uninstalled is used again by an app of the same name.
CREATE TABLE app_volume (
    id          TEXT PRIMARY KEY,
    owner_id    TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    app         TEXT NOT NULL,                -- '' = installed without an entry of the catalogue
    install     TEXT NOT NULL,                -- name of the install
    name        TEXT NOT NULL UNIQUE,         -- at the container engine
    created_at  BIGINT NOT NULL,
    released_at BIGINT,                       -- uninstalled, and kept
    UNIQUE (owner_id, app, install)
);

-- Installed apps: what is wanted, and what there is.
CREATE TABLE app_install (
    id           TEXT PRIMARY KEY,
    owner_id     TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    app          TEXT NOT NULL,               -- name in the catalogue; '' = none
    name         TEXT NOT NULL,
    label        TEXT NOT NULL UNIQUE,        -- host name below that of all apps
    host         TEXT UNIQUE,                 -- another one, chosen by its owner
    visibility   TEXT NOT NULL,
    manifest     TEXT NOT NULL,               -- json, as it was when the app was installed
    image        TEXT,                        -- with its digest; NULL: not a container
    image_id     TEXT,                        -- digest of the image's configuration, after the first download
    volume_id    TEXT REFERENCES app_volume (id) ON DELETE SET NULL,
    wanted       TEXT NOT NULL,               -- 'running' | 'paused' | 'stopped' | 'removed'
    state        TEXT NOT NULL,               -- 'installing' | 'stopped' | 'starting' | 'running' | 'paused' | 'failed'
    reason       TEXT NOT NULL,
    generation   BIGINT NOT NULL,             -- grows with each change of what is wanted
    run          BIGINT NOT NULL,             -- grows with each start of a new container
    endpoint     TEXT,                        -- host:port
    keep_running BOOLEAN NOT NULL,            -- not paused or stopped while idle
    is_held      BOOLEAN NOT NULL,            -- stopped by a person: visitors do not start it
    attempts     BIGINT NOT NULL,             -- failures in a row
    started_at   BIGINT,                      -- of the run
    last_used_at BIGINT NOT NULL,
    last_log     TEXT NOT NULL,               -- of the run before
    created_at   BIGINT NOT NULL,
    UNIQUE (owner_id, name)
);
CREATE INDEX app_install_volume ON app_install (volume_id);

-- The OAuth client of each installed app.
ALTER TABLE oauth_client ADD COLUMN install_id TEXT REFERENCES app_install (id) ON DELETE CASCADE;
CREATE UNIQUE INDEX oauth_client_install ON oauth_client (install_id);

-- Browsers that may use an app. They end with the session of the browser.
CREATE TABLE app_session (
    hash       TEXT PRIMARY KEY,              -- sha256 of the cookie, hex
    install_id TEXT NOT NULL REFERENCES app_install (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL
);
CREATE INDEX app_session_install ON app_session (install_id);
CREATE INDEX app_session_session ON app_session (session_id);

-- Volumes that were deleted here, and not yet at the container engine.
CREATE TABLE deleted_volume (
    name TEXT PRIMARY KEY
);

-- What users and organisations say about themselves, for everybody who may see their page. The full name of a user is
-- account.display_name.
CREATE TABLE profile (
    owner_id     TEXT PRIMARY KEY REFERENCES owner (id) ON DELETE CASCADE,
    display_name TEXT NOT NULL DEFAULT '',   -- of an organisation
    bio          TEXT NOT NULL DEFAULT '',
    website      TEXT NOT NULL DEFAULT '',
    place        TEXT NOT NULL DEFAULT '',
    readme       TEXT NOT NULL DEFAULT ''    -- Markdown
);

-- The small picture that was made of an uploaded image.
CREATE TABLE avatar (
    owner_id TEXT PRIMARY KEY REFERENCES owner (id) ON DELETE CASCADE,
    digest   TEXT NOT NULL,                  -- SHA-256 of the picture, hexadecimal
    picture  BYTEA NOT NULL                  -- JPEG or WebP
);

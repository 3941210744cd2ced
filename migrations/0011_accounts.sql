-- Accounts of people: what they are called, and when one that was closed goes.
ALTER TABLE account ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN closed_at BIGINT;
ALTER TABLE account ADD COLUMN removal_at BIGINT;
CREATE INDEX account_removal ON account (removal_at);

-- Somebody who signed in with a browser. Of the cookie only the hash is known.
CREATE TABLE session (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    hash         TEXT NOT NULL UNIQUE,       -- sha256 of the cookie's value, hex
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,            -- to the hour
    expires_at   BIGINT NOT NULL,            -- whatever the use
    agent        TEXT NOT NULL,              -- what the browser says of itself
    address      TEXT NOT NULL               -- where it signed in from
);
CREATE INDEX session_owner ON session (user_id);
CREATE INDEX session_expires ON session (expires_at);

-- Links that are good for one thing, once. Of the link only the hash is known.
CREATE TABLE ticket (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,         -- sha256 of the ticket, hex
    subject    TEXT NOT NULL,                -- json, of a shape for each kind
    user_id    TEXT REFERENCES owner (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX ticket_user ON ticket (user_id);
CREATE INDEX ticket_expires ON ticket (expires_at);

-- Letters that are to be sent, or were. The text goes when it was sent: it may hold links that let somebody in.
CREATE TABLE letter (
    id         TEXT PRIMARY KEY,
    recipient  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    sent_at    BIGINT,
    attempts   BIGINT NOT NULL
);
CREATE INDEX letter_created ON letter (created_at);
CREATE INDEX letter_recipient ON letter (recipient, created_at);

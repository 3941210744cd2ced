-- Accounts at external identity providers that users sign in with.
CREATE TABLE identity (
    provider     TEXT NOT NULL,              -- its name in the configuration
    issuer       TEXT NOT NULL,              -- its URL: another server under the same name has other users
    subject      TEXT NOT NULL,              -- the user there; never changes
    user_id      TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    label        TEXT NOT NULL,              -- address or name there when it was linked, for people
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    PRIMARY KEY (provider, issuer, subject),
    UNIQUE (user_id, provider)
);

-- Passkeys (WebAuthn credentials).
CREATE TABLE passkey (
    id           TEXT PRIMARY KEY,
    credential   TEXT NOT NULL UNIQUE,       -- credential id, base64url
    host         TEXT NOT NULL,              -- relying party id: it works at this host only
    user_id      TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,              -- chosen by the user
    key          TEXT NOT NULL,              -- public key, counter and flags, json
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkey_user ON passkey (user_id);

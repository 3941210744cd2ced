-- Groups of members of an organisation. GROUP is a word of SQL.
CREATE TABLE team (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    name            TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    UNIQUE (organisation_id, name)
);

CREATE TABLE team_member (
    team_id TEXT NOT NULL REFERENCES team (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_member_user ON team_member (user_id);

-- Who was asked to join, and has not answered. Its id is that of the ticket that opens it.
CREATE TABLE invitation (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT REFERENCES owner (id) ON DELETE CASCADE,  -- none: to the site alone
    email           TEXT NOT NULL,
    role            TEXT,                                          -- in the organisation
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL
);
CREATE INDEX invitation_organisation ON invitation (organisation_id);

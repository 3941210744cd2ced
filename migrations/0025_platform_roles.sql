-- Roles on the data platform of an organisation, which its applications know users by. They end with the membership.
CREATE TABLE platform_role (
    organisation_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    role            TEXT NOT NULL,           -- 'admin' | 'engineer' | 'scientist' | 'analyst' | 'viewer'
    PRIMARY KEY (organisation_id, user_id),
    FOREIGN KEY (organisation_id, user_id) REFERENCES member (organisation_id, user_id) ON DELETE CASCADE
);

-- Which application of the catalogue it is (`superset`), and the platform roles that may sign in ([]: all).
ALTER TABLE oauth_client ADD COLUMN application TEXT;
ALTER TABLE oauth_client ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';

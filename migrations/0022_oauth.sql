-- Signing keys are replaced: a new one is published before it signs, an old one until its last token has expired.
ALTER TABLE signing_key ADD COLUMN signs_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_key ADD COLUMN retires_at BIGINT;

-- One-time codes (TOTP, RFC 6238) as a second factor.
CREATE TABLE totp (
    user_id      TEXT PRIMARY KEY REFERENCES owner (id) ON DELETE CASCADE,
    secret       TEXT NOT NULL,              -- sealed with the server secret
    last_step    BIGINT NOT NULL,            -- time step of the last code that was accepted
    confirmed_at BIGINT,                     -- NULL until the first code was entered: not asked for before
    codes        TEXT NOT NULL               -- json list: sha256 of each unused recovery code, hex
);

-- How the user signed in (RFC 8176, space separated): `pwd`, or `pwd otp`.
ALTER TABLE session ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';

-- How many codes were tried with a token, for those that allow only a few.
ALTER TABLE one_time_token ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;

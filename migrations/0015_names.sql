-- Names of users and organisations that are gone. Nobody else gets them: addresses of datasets that people and programs
-- still use would lead to somebody else's.
CREATE TABLE retired_name (
    name       TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,                -- who deleted the organisation, and may use its name again; empty: nobody
    retired_at BIGINT NOT NULL
);

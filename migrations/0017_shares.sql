-- The link itself, sealed with the secret of the server, so that who shares something can copy it again. What was made
-- before this has none.
ALTER TABLE share ADD COLUMN link_sealed TEXT;
-- Whether a link shows what was before it was made, too.
ALTER TABLE share ADD COLUMN history BOOLEAN NOT NULL DEFAULT FALSE;
-- The newest revision of the default branch when a link was made; '' if there was none. NULL shows the newest alone.
ALTER TABLE share ADD COLUMN since TEXT;

-- When a user last looked at what others share with them.
ALTER TABLE account ADD COLUMN shares_seen_at BIGINT;
UPDATE account SET shares_seen_at = (SELECT MAX(created_at) FROM share);

-- The names that the code, the API and the pages use.

ALTER TABLE letter RENAME TO email;
ALTER TABLE ticket RENAME TO one_time_token;
ALTER TABLE commit_key RENAME TO idempotency_key;

-- Groups of members of an organisation. GROUP is a word of SQL.
ALTER TABLE team RENAME TO member_group;
ALTER TABLE team_member RENAME TO group_member;
ALTER TABLE group_member RENAME COLUMN team_id TO group_id;
ALTER TABLE share RENAME COLUMN team_id TO group_id;

-- Sessions of clients that opened a share link.
ALTER TABLE share_opening RENAME TO share_session;
ALTER TABLE share_download RENAME COLUMN opening TO session;
ALTER TABLE share RENAME COLUMN downloads_most TO max_downloads;

-- When the sweep marked the file for deletion.
ALTER TABLE git_upload RENAME COLUMN doomed_at TO deleted_at;
ALTER TABLE scrub RENAME COLUMN begun_at TO started_at;

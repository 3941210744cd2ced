-- When the sweep decided to delete the files of an upload that was never
-- recorded: from then on no transaction may link them.
ALTER TABLE git_upload ADD COLUMN doomed_at BIGINT;

-- Where the slow check of everything stands. What it reads has names that are hashes, so that the part of
-- all names up to the last one read is the part of the bytes, more or less.
CREATE TABLE scrub (
    part     TEXT PRIMARY KEY,               -- 'packs' | 'objects/<store>'
    begun_at BIGINT NOT NULL,                -- of this round
    last     TEXT NOT NULL                   -- the last name that was read in this round
);

CREATE INDEX git_pack_name ON git_pack (pack_id);

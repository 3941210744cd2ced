-- Packed objects: stored as a list of chunks in xorbs instead of a file of their own, so that versions of a file share
-- what they have in common.
ALTER TABLE object ADD COLUMN form TEXT NOT NULL DEFAULT 'whole'; -- 'whole' | 'packed' | 'xorb'
UPDATE object SET form = 'xorb' WHERE EXISTS (SELECT 1 FROM xorb x WHERE x.store = object.store AND x.oid = object.oid);
ALTER TABLE object ADD COLUMN pack_attempts BIGINT NOT NULL DEFAULT 0; -- how often packing it would have saved too little

-- How a packed object is put together.
CREATE TABLE reconstruction (
    store       TEXT NOT NULL,
    oid         TEXT NOT NULL,
    hash        TEXT NOT NULL,   -- of the file, as in URLs of the Xet protocol
    terms       BYTEA NOT NULL,  -- ranges of chunks, in order
    whole_until BIGINT,          -- its own file is kept until then, for signed URLs; NULL if there is none any more
    PRIMARY KEY (store, oid),
    FOREIGN KEY (store, oid) REFERENCES object (store, oid) ON DELETE CASCADE
);
CREATE INDEX reconstruction_hash ON reconstruction (hash);
CREATE INDEX reconstruction_whole ON reconstruction (whole_until) WHERE whole_until IS NOT NULL;

-- The xorbs that the terms refer to by number. They are objects, too.
CREATE TABLE reconstruction_xorb (
    store  TEXT NOT NULL,
    oid    TEXT NOT NULL,
    number BIGINT NOT NULL,
    xorb   TEXT NOT NULL,        -- its object
    hash   TEXT NOT NULL,        -- as in URLs of the protocol
    PRIMARY KEY (store, oid, number),
    FOREIGN KEY (store, oid) REFERENCES reconstruction (store, oid) ON DELETE CASCADE,
    FOREIGN KEY (store, xorb) REFERENCES object (store, oid)
);
CREATE INDEX reconstruction_xorb_object ON reconstruction_xorb (store, xorb);

-- The generation of the repository of which the old versions were packed.
ALTER TABLE dataset ADD COLUMN packed_generation BIGINT NOT NULL DEFAULT -1;

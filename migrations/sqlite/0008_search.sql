-- What can be found of a dataset, made of the head of its default branch and its tags. It is made again when the
-- generations differ, so that nothing is lost if a server dies in between.
CREATE TABLE search_card (
    repo_id    TEXT PRIMARY KEY REFERENCES dataset (id) ON DELETE CASCADE,
    number     BIGINT NOT NULL UNIQUE,       -- grows with changed_at; the place in a list
    generation BIGINT NOT NULL,              -- of the dataset, when it was looked at
    changed_at BIGINT NOT NULL,              -- when the newest revision was made
    digest     TEXT NOT NULL,                -- of all that went into it
    card       TEXT NOT NULL                 -- what is shown, json
);

-- What is read of every match: as little as can be.
CREATE TABLE search (
    number     INTEGER PRIMARY KEY REFERENCES search_card (number) ON DELETE CASCADE,
    owner_id   TEXT NOT NULL,
    visibility TEXT NOT NULL,
    facets     TEXT NOT NULL                 -- what is counted: each a separator, a letter for its kind, its value
);

-- Words come folded and cut; what bears a `=` is a word of a title or the hash of a value to filter by.
CREATE VIRTUAL TABLE search_text USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = "ascii tokenchars '='"
);

CREATE TRIGGER search_gone AFTER DELETE ON search BEGIN
    DELETE FROM search_text WHERE rowid = old.number;
END;

-- Who sees a dataset is decided here, so that it changes with the dataset, whichever version of the server changes it.
CREATE TRIGGER search_seen AFTER UPDATE OF visibility, owner_id ON dataset BEGIN
    UPDATE search SET visibility = new.visibility, owner_id = new.owner_id
    WHERE number = (SELECT number FROM search_card WHERE repo_id = new.id);
END;

-- Datasets that users have starred: bookmarks, counted for all who can read the dataset.
CREATE TABLE star (
    user_id    TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, repo_id)
);
CREATE INDEX star_dataset ON star (repo_id);

-- The text of a dataset that search results quote. Datasets that were indexed without it are indexed again.
CREATE TABLE search_source (
    repo_id  TEXT PRIMARY KEY REFERENCES search_card (repo_id) ON DELETE CASCADE,
    passages TEXT NOT NULL                   -- one a line: the character of its field, then the text
);

-- The number of users who have starred a dataset, by which lists are sorted.
ALTER TABLE dataset ADD COLUMN stars BIGINT NOT NULL DEFAULT 0;
UPDATE dataset SET stars = (SELECT COUNT(*) FROM star WHERE repo_id = dataset.id)
WHERE id IN (SELECT repo_id FROM star);
CREATE INDEX dataset_stars ON dataset (stars, id);

-- Counted here, because stars also go with their users.
CREATE TRIGGER star_added AFTER INSERT ON star BEGIN
    UPDATE dataset SET stars = stars + 1 WHERE id = new.repo_id;
END;
CREATE TRIGGER star_removed AFTER DELETE ON star BEGIN
    UPDATE dataset SET stars = stars - 1 WHERE id = old.repo_id;
END;

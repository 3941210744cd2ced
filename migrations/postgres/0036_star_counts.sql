-- The number of users who have starred a dataset, by which lists are sorted.
ALTER TABLE dataset ADD COLUMN stars BIGINT NOT NULL DEFAULT 0;
UPDATE dataset SET stars = (SELECT COUNT(*) FROM star WHERE repo_id = dataset.id)
WHERE id IN (SELECT repo_id FROM star);
CREATE INDEX dataset_stars ON dataset (stars, id);

-- Counted here, because stars also go with their users.
CREATE FUNCTION count_star() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE dataset SET stars = stars + 1 WHERE id = new.repo_id;
    ELSE
        UPDATE dataset SET stars = stars - 1 WHERE id = old.repo_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_star AFTER INSERT OR DELETE ON star
    FOR EACH ROW EXECUTE FUNCTION count_star();

-- In which dataset a resource is to be looked for, by the id that CKAN's clients have of it. What counts is the
-- dataset's own package: a row may be left over, and one that is missing is written when the dataset is shown.
CREATE TABLE resource (
    id         TEXT NOT NULL,
    repo_id    TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id, repo_id)
);
CREATE INDEX resource_repo ON resource (repo_id);
-- Datasets by their own name, whoever owns them.
CREATE INDEX dataset_name ON dataset (name);

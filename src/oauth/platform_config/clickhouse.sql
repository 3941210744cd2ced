-- Roles, and the users that have a platform role now. Run it again after platform roles have changed:
--   clickhouse-client --multiquery < clickhouse.sql
-- Users without a platform role cannot sign in, whether this was run again or not.
CREATE DATABASE IF NOT EXISTS {{database}};
CREATE ROLE IF NOT EXISTS platform_admin, platform_write, platform_read;
GRANT ALL ON *.* TO platform_admin WITH GRANT OPTION;
GRANT SELECT, SHOW, dictGet ON {{database}}.* TO platform_read;
GRANT SELECT, SHOW, dictGet, INSERT, ALTER TABLE, ALTER VIEW, CREATE TABLE, CREATE VIEW, CREATE DICTIONARY, DROP TABLE, DROP VIEW, DROP DICTIONARY, TRUNCATE, OPTIMIZE ON {{database}}.* TO platform_write;
{{users}}

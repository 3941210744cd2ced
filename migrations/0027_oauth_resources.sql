-- Access tokens for other servers (resource indicators, RFC 8707), and exceptions for single applications.
ALTER TABLE oauth_client ADD COLUMN traits TEXT NOT NULL DEFAULT ''; -- 'trusted' 'no-pkce' 'free-query', separated by spaces
ALTER TABLE oauth_client ADD COLUMN audience TEXT;                   -- URI, if it accepts tokens of other applications
CREATE UNIQUE INDEX oauth_client_audience ON oauth_client (audience);

-- The servers that an application may ask for tokens for. Not their URIs: another server may get the same one later.
CREATE TABLE oauth_resource (
    client_id TEXT NOT NULL REFERENCES oauth_client (id) ON DELETE CASCADE,
    server_id TEXT NOT NULL REFERENCES oauth_client (id) ON DELETE CASCADE,
    PRIMARY KEY (client_id, server_id)
);
CREATE INDEX oauth_resource_server ON oauth_resource (server_id);

-- What users allow applications at these servers.
CREATE TABLE consent_resource (
    consent_id TEXT NOT NULL REFERENCES consent (id) ON DELETE CASCADE,
    server_id  TEXT NOT NULL REFERENCES oauth_client (id) ON DELETE CASCADE,
    scopes     TEXT NOT NULL,
    PRIMARY KEY (consent_id, server_id)
);
CREATE INDEX consent_resource_server ON consent_resource (server_id);

ALTER TABLE oauth_login ADD COLUMN resource_id TEXT REFERENCES oauth_client (id) ON DELETE CASCADE; -- NULL: this server
CREATE INDEX oauth_login_resource ON oauth_login (resource_id);

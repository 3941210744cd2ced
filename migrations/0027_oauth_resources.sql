-- Access tokens for other servers (resource indicators, RFC 8707), and exceptions for single applications.
ALTER TABLE oauth_client ADD COLUMN traits TEXT NOT NULL DEFAULT ''; -- 'trusted' 'no-pkce' 'free-query', separated by spaces
ALTER TABLE oauth_client ADD COLUMN audience TEXT;                   -- URI, if it accepts tokens of other applications
ALTER TABLE oauth_client ADD COLUMN resources TEXT NOT NULL DEFAULT '[]'; -- json array: audiences that it may ask for
CREATE UNIQUE INDEX oauth_client_audience ON oauth_client (audience);

ALTER TABLE oauth_login ADD COLUMN resource TEXT;                    -- audience of its access tokens; NULL: this server
ALTER TABLE consent ADD COLUMN resources TEXT NOT NULL DEFAULT '{}'; -- json object: scopes by audience

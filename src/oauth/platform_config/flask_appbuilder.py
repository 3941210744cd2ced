# Users of {{title}} sign in with rutter, and have the roles of their platform role.
# The secret of the application is read from the environment: RUTTER_CLIENT_SECRET.
import os

from flask_appbuilder.const import AUTH_OAUTH

AUTH_TYPE = AUTH_OAUTH

# Users are created when they sign in for the first time. They always have this role as well, so it must allow nothing.
# rutter refuses users whose platform role is not listed below.
AUTH_USER_REGISTRATION = True
AUTH_USER_REGISTRATION_ROLE = "Public"

# Roles are set again each time that a user signs in.
AUTH_ROLES_SYNC_AT_LOGIN = True
AUTH_ROLES_MAPPING = {
{{mapping}}}

OAUTH_PROVIDERS = [
    {
        # Of a provider with this name, Flask-AppBuilder reads the claim `groups`.
        "name": "keycloak",
        "icon": "fa-key",
        "token_key": "access_token",
        "remote_app": {
            "client_id": {{client_id}},
            "client_secret": os.environ["RUTTER_CLIENT_SECRET"],
            "server_metadata_url": {{metadata}},
            "api_base_url": {{api}},
            "client_kwargs": {"scope": {{scopes}}, "code_challenge_method": "S256"},
        },
    }
]

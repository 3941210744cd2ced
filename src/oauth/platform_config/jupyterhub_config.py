# Users of JupyterHub sign in with rutter. The secret of the application is read from the environment:
# RUTTER_CLIENT_SECRET. JupyterHub needs JUPYTERHUB_CRYPT_KEY, too, to keep tokens: `openssl rand -hex 32`.
import os

from oauthenticator.generic import GenericOAuthenticator

c = get_config()  # noqa: F821

c.JupyterHub.authenticator_class = GenericOAuthenticator
c.GenericOAuthenticator.login_service = "rutter"
c.GenericOAuthenticator.client_id = {{client_id}}
c.GenericOAuthenticator.client_secret = os.environ["RUTTER_CLIENT_SECRET"]
c.GenericOAuthenticator.oauth_callback_url = {{redirect}}
c.GenericOAuthenticator.authorize_url = {{authorize}}
c.GenericOAuthenticator.token_url = {{token}}
c.GenericOAuthenticator.userdata_url = {{userinfo}}
c.GenericOAuthenticator.scope = {{scopes}}
c.GenericOAuthenticator.username_claim = "preferred_username"

# rutter refuses users whose platform role is not listed here.
c.GenericOAuthenticator.manage_groups = True
c.GenericOAuthenticator.auth_state_groups_key = "oauth_user.groups"
c.GenericOAuthenticator.allowed_groups = {{users}}
c.GenericOAuthenticator.admin_groups = {{admins}}

# A role that was removed counts after this time, in seconds, and before a server starts. Servers that run remember the
# answer of the hub for some minutes more.
c.GenericOAuthenticator.enable_auth_state = True
c.GenericOAuthenticator.auth_refresh_age = 300
c.GenericOAuthenticator.refresh_pre_spawn = True
# Also for requests with a token of the hub, not only for those of browsers (JupyterHub 6.1 or later).
c.GenericOAuthenticator.auth_refresh_strict = True

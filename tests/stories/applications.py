"""The code of Superset, Airflow and JupyterHub that signs users in, with the configuration that rutter generates.

Superset and Airflow use Flask-AppBuilder, with its provider `keycloak`; JupyterHub uses oauthenticator. Prints what each
user is there, as JSON.
"""

import asyncio
import json
import sys
import urllib.parse

from browser import Browser, query_of
from programs import as_owner, server

kind, config, *roles = sys.argv[1:]
browsers = {f"{role}-1": Browser(server, f"{role}-1") for role in roles}


def flask_appbuilder():
    from flask import Flask
    from flask_appbuilder import AppBuilder
    from flask_appbuilder.models.sqla.base import SQLA
    from flask_login import current_user

    app = Flask("platform")
    app.config.from_pyfile(config)
    app.config.update(SECRET_KEY="x" * 32, SQLALCHEMY_DATABASE_URI="sqlite://", WTF_CSRF_ENABLED=False)
    database = SQLA(app)
    with app.app_context():
        builder = AppBuilder(app, database.session)
        # Those that Superset and Airflow have.
        for role in ("Alpha", "Gamma", "sql_lab", "Op", "User"):
            builder.sm.add_role(role)
    host, seen = "https://app.example.org", {}
    for name, browser in browsers.items():
        # Twice: roles are set when a user is created, and again at each sign-in.
        for _ in range(2):
            with app.test_client() as client:
                location = client.get("/login/keycloak", base_url=host).headers["Location"]
                assert location.startswith(f"{server}/oauth/authorize?"), location
                back = browser.open(location).url
                assert back.startswith(f"{host}/oauth-authorized/keycloak?"), back
                client.get(back[len(host):], base_url=host)
                is_signed_in = current_user.is_authenticated
            with app.app_context():
                user = builder.sm.find_user(username=name)
                assert (user is not None) == is_signed_in, name
                assert user is None or user.email == f"{name}@example.org", user.email
                roles = sorted(role.name for role in user.roles) if user else None
            seen[name] = query_of(back).get("error") or roles
    return seen


async def jupyterhub():
    from oauthenticator.oauth2 import OAuthLoginHandler, _serialize_state
    from traitlets.config import Config

    settings = Config()
    with open(config) as file:
        exec(compile(file.read(), config, "exec"), {"get_config": lambda: settings})
    authenticator = settings.JupyterHub.authenticator_class(config=settings)

    class Handler:
        """What the authenticator reads of a request to the hub."""

        def __init__(self, code, verifier):
            self.code, self.state = code, _serialize_state({"state_id": "state", "code_verifier": verifier})

        def get_argument(self, name, default=None):
            return {"code": self.code}.get(name, default)

        def get_state_cookie(self):
            return self.state

    class User:
        """A user of the hub, with the tokens that it keeps."""

        def __init__(self, model):
            self.name, self.state = model["name"], model["auth_state"]

        async def get_auth_state(self):
            return self.state

    seen = {}
    for name, browser in browsers.items():
        verifier, challenge = OAuthLoginHandler._generate_pkce_params(None)
        asked = {
            "response_type": "code", "client_id": authenticator.client_id,
            "redirect_uri": authenticator.oauth_callback_url, "scope": " ".join(authenticator.scope), "state": "state",
            "code_challenge": challenge, "code_challenge_method": "S256",
        }
        answer = query_of(browser.open(f"{authenticator.authorize_url}?{urllib.parse.urlencode(asked)}").url)
        if "error" in answer:
            seen[name] = answer["error"]
            continue
        handler = Handler(answer["code"], verifier)
        model = await authenticator.get_authenticated_user(handler, None)
        assert model["name"] == name, model
        again = await authenticator.refresh_user(User(model), handler)
        assert sorted(again["groups"]) == sorted(model["groups"]), again
        # The owner takes the role away.
        as_owner("DELETE", f"/organisations/org/roles/{name}")
        gone = await authenticator.refresh_user(User(again), handler)
        assert gone is False, gone
        seen[name] = [*sorted(model["groups"]), *(["is admin"] if model["admin"] else [])]
    return seen


print(json.dumps(asyncio.run(jupyterhub()) if kind == "jupyterhub" else flask_appbuilder()))

"""Superset and Airflow from PyPI, running with the configuration that rutter generates. First with oidc-provider.

Rule 44: users have the roles of the matrix, cell by cell. Users whose platform role is not in it are refused when
they sign in, as are those whose role was removed.
"""

import contextlib
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

import requests
import yaml

from browser import Browser
from programs import as_owner, control, free_port, running, server, wait_for


class Application:
    # Beside the application's own programs.
    programs = pathlib.Path(sys.prefix) / "bin"

    def __init__(self):
        self.port = free_port()
        self.host = f"http://127.0.0.1:{self.port}"
        self.login = f"{self.host}{self.prefix}/login/"
        self.callback = f"{self.host}{self.prefix}/oauth-authorized/keycloak"

    @contextlib.contextmanager
    def run(self, config, values, secret):
        """Runs the application with the generated file, and an empty database."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / self.file).write_text(config)
            variables = {"RUTTER_CLIENT_SECRET": secret, "SCARF_ANALYTICS": "false", **self.variables(folder, values)}
            self.create_database(folder, variables)
            with running(self.serve(), self.host + self.health, variables, folder):
                yield

    def create_database(self, folder, variables):
        """Creates the database as administrators do. It takes long, and is the same each time: it is kept."""
        kept = self.programs.parent / self.database
        if not kept.exists():
            for command in self.create:
                command = [self.programs / command[0], *command[1:]]
                variables = {"PATH": os.environ["PATH"], "HOME": folder, **variables}
                done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True)
                assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
            shutil.copy(folder / self.database, kept.with_suffix(".new"))
            kept.with_suffix(".new").rename(kept)
        shutil.copy(kept, folder / self.database)

    def sign_in(self, browser):
        """Signs in, with what the sign-in page offers."""
        page = browser.open(self.login)
        assert page.status == 200 and "keycloak" in page.text, page
        return browser.open(f"{self.login}keycloak")

    def is_inside(self, browser):
        """Returns true if the application lets the browser in as its user."""
        answer = browser.send("GET", self.host + self.me)
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200 and f'"username":"{browser.name}"' in answer.text

    def sign_out(self, browser):
        """Signs out of the application, not of the provider."""
        page = browser.look(self.host + self.logout)
        assert page.url.startswith(self.login) and not self.is_inside(browser), page

    def is_allowed(self, browser, method, path):
        """Returns false if the application denies this to a user that it knows."""
        status = browser.send(method, self.host + path, json={} if method == "POST" else None).status_code
        assert status in (200, 403, 404, 422), (path, status)
        return status != 403

    def allowed(self, browser):
        return {what for what, (method, path) in self.actions.items() if self.is_allowed(browser, method, path)}


class Superset(Application):
    name, file, prefix, text = "superset", "superset_config.py", "", ("configOverrides", "rutter")
    database, create = "superset.db", [["superset", "db", "upgrade"], ["superset", "init"]]
    health, me, logout = "/health", "/api/v1/me/", "/logout/"
    actions = {
        "charts": ("GET", "/api/v1/chart/"), "SQL": ("GET", "/api/v1/sqllab/"),
        "users": ("GET", "/api/v1/security/users/"),
    }
    # The roles of each platform role, and what they allow.
    alpha = ["Alpha", "sql_lab"], {"charts", "datasets", "SQL"}
    matrix = {
        "admin": (["Admin"], {"charts", "datasets", "SQL", "users"}),
        "engineer": alpha, "scientist": alpha, "analyst": alpha,
        "viewer": (["Gamma"], {"charts"}),
    }

    def variables(self, folder, values):
        return {
            "SUPERSET_HOME": folder, "SUPERSET_CONFIG_PATH": folder / self.file, "SUPERSET_SECRET_KEY": "x" * 42,
            "FLASK_APP": "superset",
        }

    def serve(self):
        return [self.programs / "superset", "run", "--host", "127.0.0.1", "--port", self.port]

    def allowed(self, browser):
        answer = browser.send("GET", f"{self.host}/api/v1/dataset/_info?q=(keys:!(permissions))").json()
        # What a user can change here is visible without a change, which would need a token of a form.
        return super().allowed(browser) | ({"datasets"} if "can_write" in answer["permissions"] else set())

    def users(self, admin):
        """Returns the users, with their addresses and roles, as an administrator sees them."""
        answer = admin.send("GET", f"{self.host}/api/v1/security/users/?q=(page_size:100)").json()
        return {user["username"]: (user["email"], names(user["roles"])) for user in answer["result"]}


class Airflow(Application):
    name, file, prefix, text = "airflow", "webserver_config.py", "/auth", ("apiServer", "apiServerConfig")
    database, create = "airflow.db", [["airflow", "db", "migrate"]]
    health, me, logout = "/api/v2/version", "/ui/auth/me", "/api/v2/auth/logout"
    actions = {
        "see": ("GET", "/api/v2/dags"), "run": ("POST", "/api/v2/dags/x/dagRuns"),
        "connections": ("GET", "/api/v2/connections"), "users": ("GET", "/auth/fab/v1/users"),
    }
    user = ["User"], {"see", "run"}
    matrix = {
        "admin": (["Admin"], {"see", "run", "connections", "users"}),
        "engineer": (["Op"], {"see", "run", "connections"}),
        "scientist": user, "analyst": user,
        "viewer": None,
    }

    def variables(self, folder, values):
        # As the chart does it.
        settings = {
            f"AIRFLOW__{section}__{key}".upper(): value
            for section, pairs in values["config"].items() for key, value in pairs.items()
        }
        return {
            "AIRFLOW_HOME": folder, "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__API__BASE_URL": self.host,
            # For how many seconds it remembers what a user may do, across sign-ins. Default: 30.
            "AIRFLOW__FAB__CACHE_TTL": "1", **settings,
        }

    def serve(self):
        return [self.programs / "airflow", "api-server", "--host", "127.0.0.1", "--port", self.port, "--workers", 1]

    def users(self, admin):
        answer = admin.send("GET", f"{self.host}/auth/fab/v1/users").json()
        return {user["username"]: (user["email"], names(user["roles"])) for user in answer["users"]}


def names(roles):
    """Returns the roles without the one that all users have, and that allows nothing."""
    found = {role["name"] for role in roles}
    assert "Public" in found, found
    return sorted(found - {"Public"})


def set_role(name, role):
    as_owner("PUT", f"/organisations/org/roles/{name}", {"role": role})


def assert_cell(app, browser, role):
    """Signs in, and checks what the user may do there; or that the user is refused."""
    page, cell = app.sign_in(browser), app.matrix.get(role)
    if cell:
        assert page.status == 200 and app.is_inside(browser), page
        wait_for(f"{browser.name} may do {cell[1]}", lambda: app.allowed(browser) == cell[1], 5)
    else:
        assert any(url.startswith(f"{app.callback}?error=access_denied") for url in page.visited), page
        assert page.url == app.login and not app.is_inside(browser), page


@contextlib.contextmanager
def userinfo_of(issuer):
    """Serves what oidc-provider says about users where Keycloak does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/openid-connect/userinfo", self.path
            answer = requests.get(f"{issuer}/me", headers={"Authorization": self.headers["Authorization"]})
            self.send_response(answer.status_code)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}/"
        listener.shutdown()


def with_oidc_provider(app, config, values, id, secret):
    scopes = "openid profile groups email"
    client = {"client_id": id, "client_secret": secret, "redirect_uris": [app.callback], "scope": scopes}
    with control([client]) as issuer, userinfo_of(issuer) as userinfo:
        for ours, theirs in ((f"{server}/.well-known", f"{issuer}/.well-known"), (f"{server}/oauth/", userinfo)):
            assert ours in config, config
            config = config.replace(ours, theirs)
        with app.run(config, values, secret):
            engineer, admin = Browser(issuer, "engineer-1"), Browser(issuer, "admin-1")
            for browser in (engineer, admin):
                assert_cell(app, browser, browser.name.split("-")[0])
            roles = {name: roles for name, (_, roles) in app.users(admin).items()}
            assert roles == {f"{role}-1": app.matrix[role][0] for role in ("engineer", "admin")}, roles
    print("oidc-provider: passed", file=sys.stderr)


def with_rutter(app, config, values, secret):
    browsers = {role: Browser(server, f"{role}-1") for role in app.matrix}
    admitted = [role for role, cell in app.matrix.items() if cell]
    # `None` is for users without a platform role.
    refused = [None, *(role for role, cell in app.matrix.items() if not cell)]

    def assert_users(roles, admin):
        expected = {f"{name}-1": (f"{name}-1@example.org", app.matrix[role][0]) for name, role in roles.items()}
        assert app.users(admin) == expected, app.users(admin)

    with app.run(config, values, secret):
        # Each cell, twice: users are created with their roles, which are set again later.
        for _ in range(2):
            for role in reversed(app.matrix):
                assert_cell(app, browsers[role], role)
            # ben is a member of the organisation without a role.
            assert_cell(app, Browser(server, "ben"), None)
            assert_users({role: role for role in admitted}, browsers["admin"])
            for role in admitted:
                app.sign_out(browsers[role])

        # The user with the fewest rights gets the most, and the other way round.
        least = admitted[-1]
        swapped = {least: "admin", "admin": least}
        for name, role in swapped.items():
            set_role(f"{name}-1", role)
            assert_cell(app, browsers[name], role)
        assert_users({role: role for role in admitted} | swapped, browsers[least])
        for name in swapped:
            set_role(f"{name}-1", name)
            app.sign_out(browsers[name])

        # A role that was removed, or changed to one without a cell: with the browser that was let in before, and with a
        # new one.
        for name in admitted:
            for role in refused:
                if role:
                    set_role(f"{name}-1", role)
                else:
                    as_owner("DELETE", f"/organisations/org/roles/{name}-1")
                for browser in (browsers[name], Browser(server, f"{name}-1")):
                    assert_cell(app, browser, role)
            set_role(f"{name}-1", name)
            assert_cell(app, browsers[name], name)


app = {"superset": Superset, "airflow": Airflow}[sys.argv[1]]()
for role in app.matrix:
    set_role(f"{role}-1", role)
new = {
    "name": "Application", "owner": "org", "application": app.name, "redirects": [app.callback],
    "scopes": ["openid", "profile", "email", "groups"],
}
client = as_owner("POST", "/clients", new)
config, values = as_owner("GET", f"/clients/{client['id']}/config")["files"]
assert (config["name"], values["name"]) == (app.file, "values.yaml"), (config, values)
config, values = config["text"], yaml.safe_load(values["text"])
assert values[app.text[0]][app.text[1]] == config, values
with_oidc_provider(app, config, values, client["id"], client["secret"])
with_rutter(app, config, values, client["secret"])

"""The configuration that rutter generates, unchanged, and what a JupyterHub on one machine needs besides."""

import os
import sys

c = get_config()  # noqa: F821
load_subconfig(os.environ["GENERATED"])  # noqa: F821

c.JupyterHub.bind_url = os.environ["HUB"]
c.JupyterHub.hub_port = int(os.environ["HUB_PORT"])
c.ConfigurableHTTPProxy.api_url = os.environ["PROXY"]
proxy = os.environ["PACKAGES"] + "/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
# Nothing outlives the hub.
with_hub = ["setpriv", "--pdeathsig", "KILL"]
c.ConfigurableHTTPProxy.command = [*with_hub, "node", proxy]

# Servers run as the user of the hub. They know its users by nothing but what the hub says.
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = os.environ["HOME"] + "/{username}"
c.Spawner.cmd = [*with_hub, sys.executable, os.environ["SINGLE_USER"]]

# A service that looks at users, as an administrator of the hub would.
c.JupyterHub.services = [{"name": "watch", "api_token": os.environ["WATCH"]}]
scopes = ["admin:users", "admin:servers", "tokens"]
c.JupyterHub.load_roles = [{"name": "watch", "services": ["watch"], "scopes": scopes}]

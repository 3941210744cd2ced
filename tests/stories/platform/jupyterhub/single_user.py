"""A server of one user of JupyterHub: tells a visitor who JupyterHub says they are. Stands in for Jupyter itself."""

import json
import os
import urllib.parse

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import ioloop, web

url = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
# By default, a server believes for five minutes what the hub has said.
HubOAuth.instance(cache_max_age=1)


class Visitor(HubOAuthenticated, web.RequestHandler):
    @web.authenticated
    def get(self):
        self.finish(json.dumps(self.get_current_user()))


app = web.Application(
    [(f"{prefix}oauth_callback", HubOAuthCallbackHandler), (f"{prefix}.*", Visitor)], cookie_secret=os.urandom(32)
)
app.listen(url.port, url.hostname)
ioloop.IOLoop.current().start()

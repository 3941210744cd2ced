"""Settings of JupyterLab as an app of rutter. rutter gives the environment variables."""

import os
import sys
from urllib.parse import urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rutter_jupyter import DriveContents, RutterIdentity  # noqa: E402

c = get_config()  # noqa: F821

# The manifest has `prefix = "keep"`: pages, WebSockets and cookies are all below this path.
c.ServerApp.base_url = os.environ.get("RUTTER_BASE_PATH", "") + "/"
c.ServerApp.ip, c.ServerApp.port, c.ServerApp.port_retries = "", int(os.environ["PORT"]), 0
c.ServerApp.open_browser = False
c.ServerApp.root_dir = os.environ["HOME"]

# There is no password or token to ask for: the app proxy lets only the owner pass (`widest = "private"`), and names the
# visitor in a header that it drops from outside (`identity = true`). The network of the container is private to rutter.
# What has no user is refused, and changes need Jupyter's own token against forged requests.
c.ServerApp.identity_provider_class = RutterIdentity
c.IdentityProvider.token = ""
c.ServerApp.allow_unauthenticated_access = False
c.ServerApp.allow_remote_access = True
# Browsers send this origin, whichever `Host` arrives here.
c.ServerApp.allow_origin = "{0.scheme}://{0.netloc}".format(urlsplit(os.environ["RUTTER_APP_URL"]))
c.ServerApp.quit_button = False

# Every access to data is a request to rutter, with the rights that the owner has at that moment.
c.ServerApp.contents_manager_class = DriveContents

# Nothing is looked up on the internet, and packages come with the image.
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.news_url = None
c.LabApp.extension_manager = "readonly"

"""JupyterLab on rutter: the file browser shows the owner's datasets, and the app proxy says who the visitor is."""

import asyncio
import base64
import contextlib
import datetime
import hashlib
import os
import pathlib

import nbformat
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.services.contents.manager import AsyncContentsManager
from tornado.web import HTTPError

from rutter_drive import Drive, DriveError

# The volume, in the file browser. No owner can have this name.
VOLUME = "~"

# The maximum size of a file that the browser opens or downloads, in bytes. Notebooks read files of any size.
MAX_BYTES = 64 << 20


class RutterIdentity(IdentityProvider):
    """Lets the owner in, as the app proxy names the visitor: it drops this header from outside.

    The login page, tokens and cookies of Jupyter are off. Only rutter reaches this port.
    """

    auth_enabled, login_available, logout_available = True, False, False

    def get_user(self, handler):
        names = handler.request.headers.get_list("X-Rutter-User")
        if names != [os.environ["RUTTER_USER"]]:
            return None
        return User(username=names[0], name=names[0], display_name=names[0], initials=names[0][:2].upper())


@contextlib.contextmanager
def web_errors():
    """Reports what rutter refuses in Jupyter's way."""
    try:
        yield
    except DriveError as error:
        # What a client of rutter has to do is not for the browser.
        status = 502 if error.status in (401, 503) else error.status
        raise HTTPError(status, str(error).replace("%", "%%"), reason=None) from error


def moment(text):
    """Returns a time of rutter; it leaves out what is more than 10,000 revisions ago."""
    return datetime.datetime.fromisoformat(text or "1970-01-01T00:00:00Z")


class DriveContents(AsyncContentsManager):
    """Contents of datasets by rutter's API: `OWNER/DATASET/PATH`. Each save is a revision, each checkpoint too.

    The folder `~` is the volume of this app.
    """

    def __init__(self, **named):
        super().__init__(**named)
        self.drive = Drive()
        self.files = AsyncLargeFileManager(parent=self, root_dir=os.environ["HOME"])
        # Jupyter's handler of downloads requires a folder, and does not use it.
        self.files_handler_params = {"path": os.environ["HOME"]}

    async def work(self, function, *arguments):
        """Runs a function that waits for rutter."""
        with web_errors():
            return await asyncio.to_thread(function, *arguments)

    @staticmethod
    def in_volume(path):
        """Returns the path in the volume, or `None`."""
        first, _, rest = path.strip("/").partition("/")
        return rest if first == VOLUME else None

    def of_volume(self, model):
        """Adds the folder of the volume to the paths of a model."""
        model["path"] = f"{VOLUME}/{model['path']}".rstrip("/")
        model["name"] = model["name"] or VOLUME
        if model["type"] == "directory" and model.get("content"):
            model["content"] = [self.of_volume(child) for child in model["content"]]
        return model

    # Models.

    @staticmethod
    def folder(path, **more):
        now = moment(None)
        return {
            "name": path.rsplit("/", 1)[-1], "path": path, "type": "directory", "writable": False, "created": now,
            "last_modified": now, "mimetype": None, "content": None, "format": None, "size": None, "hash": None,
            "hash_algorithm": None, **more,
        }

    def model(self, dataset, entry, kind=None):
        path, changed = f"{dataset}/{entry['path']}", moment(entry["modified"])
        if entry["type"] == "folder":
            kind = "directory"
        elif kind is None:
            kind = "notebook" if path.endswith(".ipynb") else "file"
        return self.folder(
            path, type=kind, writable=entry["right"] != "view", created=changed, last_modified=changed,
            mimetype=entry["media_type"] if kind == "file" else None, size=entry["size"])

    def above(self, path):
        """Returns the names below a path that is above the datasets, such as that of an owner; `None` for others."""
        path = path.strip("/")
        before = f"{path}/" if path else ""
        known = self.drive.datasets()
        if path in known:
            return None
        names = {name.removeprefix(before).split("/")[0] for name in known if name.startswith(before)}
        return sorted(names) if names or not path else None

    def look(self, path, kind=None):
        """Returns the model of a path, without content."""
        path = path.strip("/")
        if self.above(path) is not None:
            return self.folder(path)
        dataset, inner = self.drive.place(path)
        if inner:
            try:
                return self.model(dataset, self.drive.call("GET", (dataset, inner), "entry"), kind)
            except DriveError as error:
                if error.status != 404:
                    raise
        # The dataset, or a folder of which the app has only a part.
        children = self.drive.entries((dataset, inner))
        return self.folder(path, writable=not inner and not any(child["right"] == "view" for child in children))

    def look_with_content(self, path, kind, text_format, require_hash):
        model = self.look(path, None if kind == "directory" else kind)
        if kind == "directory" and model["type"] != "directory":
            raise HTTPError(400, f"{path} is not a directory", reason="bad type")
        if model["type"] == "directory":
            if kind not in (None, "directory"):
                raise HTTPError(400, f"{path} is a directory, not a {kind}", reason="bad type")
            return self.list(model)
        if (model["size"] or 0) > MAX_BYTES:
            raise HTTPError(413, f"the file is larger than {MAX_BYTES >> 20} MiB: use rutter_drive in a notebook")
        content = self.drive.read(path)
        if require_hash:
            model["hash"], model["hash_algorithm"] = hashlib.sha256(content).hexdigest(), "sha256"
        try:
            text = content.decode() if text_format != "base64" else None
        except UnicodeDecodeError:
            if text_format == "text" or model["type"] == "notebook":
                raise HTTPError(400, f"{path} is not UTF-8 text", reason="bad format") from None
            text = None
        if model["type"] == "notebook":
            try:
                model["content"], model["format"] = nbformat.reads(text, as_version=4), "json"
            except (nbformat.reader.NotJSONError, ValueError) as error:
                raise HTTPError(400, f"{path} is not a notebook: {str(error)[:200]}".replace("%", "%%")) from error
        elif text is None:
            model["content"], model["format"] = base64.b64encode(content).decode(), "base64"
        else:
            model["content"], model["format"] = text, "text"
            model["mimetype"] = model["mimetype"] or "text/plain"
        return model

    def list(self, model):
        """Adds what is in it to the model of a folder."""
        path = model["path"]
        names = self.above(path)
        if names is None:
            dataset, inner = self.drive.place(path)
            entries = [it for it in self.drive.entries((dataset, inner)) if self.should_list(it["name"])]
            entries = [it for it in entries if self.allow_hidden or not it["name"].startswith(".")]
            children = [self.model(dataset, entry) for entry in entries]
        else:
            names = names + [VOLUME] if not path else names
            children = [self.folder(f"{path}/{name}".strip("/")) for name in names]
        model["content"], model["format"] = children, "json"
        return model

    async def get(self, path, content=True, type=None, format=None, require_hash=False):
        if (inner := self.in_volume(path)) is not None:
            return self.of_volume(await self.files.get(inner, content, type, format, require_hash))
        if not content and not require_hash:
            return await self.work(self.look, path, None if type == "directory" else type)
        model = await self.work(self.look_with_content, path, type, format, require_hash)
        if model["type"] == "notebook":
            self.mark_trusted_cells(model["content"], path)
            self.validate_notebook_model(model)
        if not content:
            model["content"] = model["format"] = None
        return model

    # Changes.

    async def save(self, model, path=""):
        if (inner := self.in_volume(path)) is not None:
            return self.of_volume(await self.files.save(model, inner))
        kind, path = model.get("type"), path.strip("/")
        if kind == "directory":
            return await self.work(self.add_folder, path)
        if kind not in ("file", "notebook") or model.get("content") is None:
            raise HTTPError(400, "the model has no content, or an unknown type")
        if kind == "notebook":
            notebook = nbformat.from_dict(model["content"])
            self.check_and_sign(notebook, path)
            self.validate_notebook_model(model | {"content": notebook}, None)
            content = nbformat.writes(notebook, version=nbformat.NO_CONVERT).encode()
        elif model.get("format") == "base64":
            content = base64.b64decode(model["content"])
        else:
            content = model["content"].encode()
        saved = await self.work(self.put, path, kind, content, model.get("chunk"))
        self.emit(data={"action": "save", "path": path})
        return saved

    def add_folder(self, path):
        dataset, inner = self.drive.place(path)
        return self.model(dataset, self.drive.call("POST", (dataset, ""), "folders", {"path": inner})["entry"])

    def put(self, path, kind, content, chunk):
        """Writes a file. Large files come in chunks, numbered from 1; the last is -1."""
        dataset, inner = self.drive.place(path)
        if not inner:
            raise DriveError(400, "files are written in a dataset")
        if chunk is None:
            return self.model(dataset, self.drive.write(path, content), kind)
        name = f"jupyterlab-upload-{hashlib.sha256(path.encode()).hexdigest()}"
        parts = pathlib.Path(os.environ["HOME"], ".cache", name)
        parts.parent.mkdir(exist_ok=True)
        with parts.open("wb" if chunk == 1 else "ab") as file:
            file.write(content)
        if chunk != -1:
            return self.folder(path, type="file", writable=True, size=parts.stat().st_size)
        try:
            with parts.open("rb") as file:
                return self.model(dataset, self.drive.write(path, file), kind)
        finally:
            parts.unlink()

    async def delete_file(self, path):
        if (inner := self.in_volume(path)) is not None:
            return await self.files.delete_file(inner)
        await self.work(self.remove, path)

    def remove(self, path):
        dataset, inner = self.drive.place(path)
        if not inner:
            raise DriveError(400, "datasets are deleted on their page in rutter")
        self.drive.call("POST", (dataset, ""), "delete", {"paths": [inner]})

    async def rename_file(self, old_path, new_path):
        old, new = self.in_volume(old_path), self.in_volume(new_path)
        if old is not None and new is not None:
            return await self.files.rename_file(old, new)
        if old is not None or new is not None:
            raise HTTPError(400, "copy it: the volume and datasets are different places")
        await self.work(self.move, old_path, new_path)

    def move(self, old_path, new_path):
        (source, old), (target, new) = self.drive.place(old_path), self.drive.place(new_path)
        if not old or not new:
            raise DriveError(400, "datasets are renamed on their page in rutter")
        if source == target:
            self.drive.call("POST", (source, ""), "move", {"from": old, "to": new})
        else:
            self.drive.call("POST", (target, ""), "copy", {"from": old, "to": new, "dataset": source})
            self.drive.call("POST", (source, ""), "delete", {"paths": [old]})

    # Checkpoints are revisions: those of a file stay with rutter, so there are none to move or delete.

    async def delete(self, path):
        await self.delete_file(path.strip("/"))
        self.emit(data={"action": "delete", "path": path})

    async def rename(self, old_path, new_path):
        await self.rename_file(old_path, new_path)
        self.emit(data={"action": "rename", "path": new_path, "source_path": old_path})

    async def create_checkpoint(self, path):
        if (inner := self.in_volume(path)) is not None:
            return await self.files.create_checkpoint(inner)
        found = await self.work(lambda: self.drive.call("GET", self.drive.place(path), "entry"))
        return {"id": found["revision"] or "", "last_modified": moment(found["modified"])}

    async def list_checkpoints(self, path):
        if (inner := self.in_volume(path)) is not None:
            return await self.files.list_checkpoints(inner)
        found = await self.work(lambda: self.drive.call("GET", self.drive.place(path), "versions", limit=20)["items"])
        return [{"id": it["revision"], "last_modified": moment(it["created"])} for it in found if not it["deleted"]]

    async def restore_checkpoint(self, checkpoint_id, path):
        if (inner := self.in_volume(path)) is not None:
            return await self.files.restore_checkpoint(checkpoint_id, inner)
        await self.work(lambda: self.drive.call("POST", self.drive.place(path), "versions", {"revision": checkpoint_id}))

    async def delete_checkpoint(self, checkpoint_id, path):
        if (inner := self.in_volume(path)) is not None:
            return await self.files.delete_checkpoint(checkpoint_id, inner)

    # What there is.

    async def kind(self, path):
        """Returns the type of what is at a path, or `None`."""
        try:
            return (await self.get(path, content=False))["type"]
        except HTTPError as error:
            if error.status_code in (400, 404):
                return None
            raise

    async def dir_exists(self, path):
        return await self.kind(path) == "directory"

    async def file_exists(self, path=""):
        return await self.kind(path) in ("file", "notebook")

    async def exists(self, path):
        return await self.kind(path) is not None

    async def is_hidden(self, path):
        return any(part.startswith(".") for part in path.split("/") if part)

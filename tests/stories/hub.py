"""What people do with huggingface_hub, datasets and pandas, against the server that HF_ENDPOINT names."""

import io
import os
import socket
import sys
import urllib.request

import datasets
import huggingface_hub
import pandas
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi, HfFileSystem
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

# As RFC 6761 says. The C library of Debian alone does not know names below `localhost`.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **named: resolve(
    "localhost" if str(host).endswith(".localhost") else host, *rest, **named
)

api = HfApi()
repo = "ada/birds"
kind = {"repo_id": repo, "repo_type": "dataset"}


def refused(error, call, status=None):
    try:
        call()
    except error as raised:
        assert status is None or raised.response.status_code == status, raised
        return raised
    raise AssertionError(f"not refused: {call}")


def account():
    me = api.whoami()
    assert (me["name"], me["type"]) == ("ada", "user"), me
    assert [organisation["name"] for organisation in me["orgs"]] == ["aviary"], me
    refused(OSError, lambda: api.whoami(token="rut_wrong"), 401)


def repositories():
    refused(RepositoryNotFoundError, lambda: api.dataset_info(repo))
    assert not api.file_exists("nobodys", "f", repo_type="dataset")
    assert not api.repo_exists(**kind)
    url = api.create_repo(**kind, private=True)
    assert (url.repo_id, url.repo_type, url.endpoint) == (repo, "dataset", os.environ["HF_ENDPOINT"]), repr(url)
    assert str(url) == f"{os.environ['HF_ENDPOINT']}/datasets/{repo}"
    refused(HfHubHTTPError, lambda: api.create_repo(**kind), 409)
    assert api.create_repo(**kind, exist_ok=True) == url
    assert api.repo_exists(**kind)
    api.auth_check(**kind)
    info = api.dataset_info(repo)
    assert info.private and info.author == "ada" and len(info.sha) == 40, info
    assert api.list_repo_files(**kind) == [".gitattributes"]

    api.create_repo("ada/short-lived", repo_type="dataset")
    api.delete_repo("ada/short-lived", repo_type="dataset")
    refused(RepositoryNotFoundError, lambda: api.delete_repo("ada/short-lived", repo_type="dataset"))
    api.delete_repo("ada/short-lived", repo_type="dataset", missing_ok=True)
    api.create_repo("aviary/cages", repo_type="dataset")
    refused(HfHubHTTPError, lambda: api.create_repo("ada/model"), 422)


def uploads():
    noise = os.urandom(300_000)
    readme = "---\nlicense: mit\n---\n# Birds\n"
    first = api.upload_file(path_or_fileobj=readme.encode(), path_in_repo="README.md", **kind)
    assert first.commit_url == f"{os.environ['HF_ENDPOINT']}/datasets/{repo}/commit/{first.oid}", first
    # Binary, and no format that was known before: by LFS, and git attributes say so.
    api.upload_file(path_or_fileobj=noise, path_in_repo="recordings/owl 1.raw", **kind)
    large = os.urandom(12_000_000)
    api.upload_file(path_or_fileobj=large, path_in_repo="recordings/all.wav", **kind)
    os.makedirs("folder/deep/er")
    for name, content in [("a.csv", b"bird,count\nowl,3\n"), ("deep/er/b.txt", b"b\n"), ("deep/empty", b"")]:
        with open(f"folder/{name}", "wb") as file:
            file.write(content)
    with open("folder/deep/c.npy", "wb") as file:
        file.write(noise[:1000])
    before = api.dataset_info(repo).sha
    folder = api.upload_folder(folder_path="folder", path_in_repo="data", commit_message="A folder", commit_description="All of it", **kind)
    assert folder.oid != before
    # The same again is no change.
    api.upload_folder(folder_path="folder", path_in_repo="data", **kind)
    assert api.dataset_info(repo).sha == folder.oid
    refused(ValueError, lambda: api.upload_file(path_or_fileobj=b"---\nx: y\n", path_in_repo="README.md", **kind))

    info = api.dataset_info(repo, files_metadata=True)
    files = {file.rfilename: file for file in info.siblings}
    assert files["recordings/all.wav"].size == len(large)
    assert files["recordings/all.wav"].lfs["size"] == len(large)
    assert files["README.md"].size == len(readme) and files["README.md"].lfs is None
    assert set(files) == {
        ".gitattributes", "README.md", "recordings/owl 1.raw", "recordings/all.wav", "data/a.csv", "data/deep/er/b.txt",
        "data/deep/empty", "data/deep/c.npy",
    }, set(files)
    return {"recordings/owl 1.raw": noise, "recordings/all.wav": large, "README.md": readme.encode()}


def commits(known):
    head = api.dataset_info(repo).sha
    made = api.create_commit(
        operations=[
            CommitOperationAdd("new/one.txt", b"one\n"),
            CommitOperationAdd("new/two.bin", b"\x00two"),
            CommitOperationCopy("recordings/all.wav", "copies/all.wav"),
            CommitOperationCopy("README.md", "copies/README.md"),
            CommitOperationDelete("data/a.csv"),
            CommitOperationDelete("data/deep/er/", is_folder=True),
        ],
        commit_message="Many things",
        commit_description="in one",
        parent_commit=head,
        **kind,
    )
    late = lambda: api.create_commit(
        operations=[CommitOperationAdd("x", b"x")], commit_message="late", parent_commit=head, **kind
    )
    refused(HfHubHTTPError, late, 412)
    files = api.list_repo_files(**kind)
    assert {"new/one.txt", "new/two.bin", "copies/all.wav", "copies/README.md"} < set(files), files
    assert not {"data/a.csv", "data/deep/er/b.txt"} & set(files), files
    listed = api.list_repo_commits(**kind)
    assert (listed[0].commit_id, listed[0].title, listed[0].message) == (made.oid, "Many things", "in one"), listed[0]
    assert listed[0].authors == ["ada"] and listed[0].created_at.tzinfo, listed[0]
    assert (listed[1].title, listed[-1].title) == ("A folder", "initial commit"), listed
    assert listed[0].formatted_title is None
    assert api.list_repo_commits(**kind, formatted=True)[0].formatted_title == "Many things"
    api.delete_file("new/one.txt", **kind)
    api.delete_folder("new", **kind)
    refused(HfHubHTTPError, lambda: api.delete_file("new/one.txt", **kind))

    tree = list(api.list_repo_tree(**kind, recursive=True, expand=True))
    folders = [entry.path for entry in tree if isinstance(entry, huggingface_hub.hf_api.RepoFolder)]
    assert folders == ["copies", "data", "data/deep", "recordings"], folders
    wav = next(entry for entry in tree if entry.path == "copies/all.wav")
    assert wav.size == wav.lfs.size == len(known["recordings/all.wav"])
    assert wav.last_commit.title == "Many things" and wav.last_commit.oid == made.oid
    below = list(api.list_repo_tree(**kind, path_in_repo="data/deep"))
    assert [entry.path for entry in below] == ["data/deep/c.npy", "data/deep/empty"], below
    refused(EntryNotFoundError, lambda: list(api.list_repo_tree(**kind, path_in_repo="no/such")))
    infos = api.get_paths_info(**kind, paths=["README.md", "no/such", "data/deep"], expand=True)
    assert [info.path for info in infos] == ["README.md", "data/deep"], infos
    assert infos[0].last_commit.title == "Upload README.md with huggingface_hub", infos[0]


def references():
    head = api.dataset_info(repo).sha
    api.create_tag(**kind, tag="v1.0", tag_message="First")
    refused(HfHubHTTPError, lambda: api.create_tag(**kind, tag="v1.0"), 409)
    api.create_tag(**kind, tag="v1.0", exist_ok=True)
    refused(RevisionNotFoundError, lambda: api.create_tag(**kind, tag="v2", revision="no-such"))
    api.create_branch(**kind, branch="feat/x")
    api.create_branch(**kind, branch="feat/x", exist_ok=True)
    api.upload_file(path_or_fileobj=b"on a branch", path_in_repo="x.txt", revision="feat/x", **kind)
    refs = api.list_repo_refs(**kind)
    assert {branch.name: branch.target_commit for branch in refs.branches}["main"] == head, refs
    assert {branch.ref for branch in refs.branches} == {"refs/heads/main", "refs/heads/feat/x"}, refs
    assert [(tag.name, tag.ref, tag.target_commit) for tag in refs.tags] == [("v1.0", "refs/tags/v1.0", head)], refs
    assert api.file_exists(**kind, filename="x.txt", revision="feat/x") and not api.file_exists(**kind, filename="x.txt")
    assert api.revision_exists(**kind, revision="feat/x") and not api.revision_exists(**kind, revision="feat/y")
    assert api.dataset_info(repo, revision="v1.0").sha == head
    assert api.dataset_info(repo, revision=head[:10]).sha == head
    api.create_branch(**kind, branch="old", revision="v1.0")
    api.delete_branch(**kind, branch="old")
    api.delete_branch(**kind, branch="feat/x")
    refused(HfHubHTTPError, lambda: api.delete_branch(**kind, branch="main"), 403)
    refused(HfHubHTTPError, lambda: api.upload_file(path_or_fileobj=b"x", path_in_repo="x", revision="feat/x", **kind), 404)
    api.create_tag(**kind, tag="gone")
    api.delete_tag(**kind, tag="gone")
    refused(RevisionNotFoundError, lambda: api.delete_tag(**kind, tag="gone"))


def downloads(known):
    for name, content in known.items():
        with open(api.hf_hub_download(**kind, filename=name), "rb") as file:
            assert file.read() == content, name
        with open(api.hf_hub_download(**kind, filename=name, revision="v1.0", local_dir="local"), "rb") as file:
            assert file.read() == content, name
    # What is there already is not fetched again.
    api.hf_hub_download(**kind, filename="recordings/all.wav", revision="v1.0", local_dir="local")
    refused(EntryNotFoundError, lambda: api.hf_hub_download(**kind, filename="no/such"))
    refused(RevisionNotFoundError, lambda: api.hf_hub_download(**kind, filename="README.md", revision="no"))
    refused(RepositoryNotFoundError, lambda: api.hf_hub_download("ada/none", "README.md", repo_type="dataset"))
    folder = api.snapshot_download(**kind)
    with open(f"{folder}/copies/all.wav", "rb") as file:
        assert file.read() == known["recordings/all.wav"]
    assert os.path.getsize(f"{folder}/data/deep/empty") == 0
    meta = huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(**kind, filename="recordings/all.wav"))
    assert meta.size == len(known["recordings/all.wav"]) and len(meta.etag) == 64, meta


def files(known):
    fs = HfFileSystem()
    root = f"datasets/{repo}"
    assert fs.isdir(root) and fs.isfile(f"{root}/README.md")
    assert {entry["name"] for entry in fs.ls(root)} >= {f"{root}/README.md", f"{root}/recordings"}
    assert fs.glob(f"{root}/**/*.wav") == [f"{root}/copies/all.wav", f"{root}/recordings/all.wav"]
    large = known["recordings/all.wav"]
    with fs.open(f"{root}/recordings/all.wav", "rb", block_size=1 << 16) as file:
        for start, length in [(0, 10), (5_000_000, 70_000), (len(large) - 5, 5)]:
            file.seek(start)
            assert file.read(length) == large[start : start + length], start
    assert fs.cat_file(f"{root}/README.md", start=4, end=11) == known["README.md"][4:11]
    with fs.open(f"{root}/written.txt", "w") as file:
        file.write("by a file system")
    assert fs.read_text(f"{root}/written.txt") == "by a file system"
    fs.rm(f"{root}/written.txt")
    assert not fs.exists(f"{root}/written.txt")


def tables():
    frame = pandas.DataFrame({"bird": ["owl", "tit"], "count": [3, 4]})
    frame.to_parquet("hf://datasets/ada/birds/tables/birds.parquet")
    frame.to_csv("hf://datasets/ada/birds/tables/birds.csv", index=False)
    assert pandas.read_parquet("hf://datasets/ada/birds/tables/birds.parquet").equals(frame)
    assert pandas.read_csv("hf://datasets/ada/birds/tables/birds.csv").equals(frame)
    assert pandas.read_csv("hf://datasets/ada/birds@main/tables/birds.csv").equals(frame)

    data = datasets.Dataset.from_dict({"bird": ["owl", "tit", "jay"], "count": [1, 2, 3]})
    data.push_to_hub("ada/pushed", private=True)
    back = datasets.load_dataset("ada/pushed", split="train")
    assert back.to_dict() == data.to_dict(), back
    data.push_to_hub("ada/pushed", "second", split="test", private=True)
    assert datasets.get_dataset_config_names("ada/pushed") == ["default", "second"]
    streamed = datasets.load_dataset("ada/pushed", "second", split="test", streaming=True)
    assert [row["bird"] for row in streamed] == ["owl", "tit", "jay"]
    named = datasets.load_dataset("ada/birds", data_files="tables/birds.csv", split="train")
    assert named["count"][:] == [3, 4]


def viewer():
    from datasets.utils._dataset_viewer import (
        DatasetViewerError,
        get_exported_dataset_infos,
        get_exported_parquet_files,
    )

    token = os.environ["HF_TOKEN"]
    frame = pandas.DataFrame({
        "bird": ["owl", "tit", None],
        "count": pandas.array([3, 4, 5], dtype="int32"),
        "seen": pandas.to_datetime(["2024-01-01", "2024-01-02", None]),
        "tags": [["a"], [], ["b", "c"]],
    })
    api.create_repo("ada/measured", repo_type="dataset", private=True)
    frame.to_parquet("hf://datasets/ada/measured/data.parquet")
    sha = api.dataset_info("ada/measured").sha
    (file,) = get_exported_parquet_files("ada/measured", sha, token)
    assert (file["config"], file["split"], file["filename"]) == ("default", "train", "data.parquet"), file
    session = huggingface_hub.utils.get_session()
    own = {"authorization": f"Bearer {token}"}
    options = {"follow_redirects": True} if "httpx" in type(session).__module__ else {}
    content = session.get(file["url"], headers=own, **options).content
    assert len(content) == file["size"] and pandas.read_parquet(io.BytesIO(content))["count"].equals(frame["count"])
    infos = get_exported_dataset_infos("ada/measured", sha, token)
    info = datasets.DatasetInfo.from_dict(infos["default"])
    expected = datasets.Dataset.from_pandas(frame).features
    assert info.features == expected and info.splits["train"].num_examples == 3, info
    refused(DatasetViewerError, lambda: get_exported_dataset_infos("ada/measured", "0" * 40, token))
    refused(DatasetViewerError, lambda: get_exported_parquet_files("ada/measured", sha, False))
    # The library knows columns and sizes before it loads anything, and checks them when it has.
    builder = datasets.load_dataset_builder("ada/measured")
    assert builder.info.features == expected and builder.info.splits["train"].num_examples == 3, builder.info
    loaded = datasets.load_dataset("ada/measured", split="train")
    assert loaded.features == expected and loaded["bird"][:] == ["owl", "tit", None], loaded

    # Splits by the names of files, and by the card, as the library finds them.
    frame.to_parquet("hf://datasets/ada/measured/test.parquet")
    api.delete_file("data.parquet", repo_id="ada/measured", repo_type="dataset")
    frame.head(1).to_parquet("hf://datasets/ada/measured/train.parquet")
    both = datasets.load_dataset("ada/measured")
    assert {name: split.num_rows for name, split in both.items()} == {"train": 1, "test": 3}, both
    builder = datasets.load_dataset_builder("ada/measured")
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == {"train": 1, "test": 3}
    label = datasets.ClassLabel(names=["no", "yes"])
    labelled = datasets.Dataset.from_dict({"y": [0, 1]}, features=datasets.Features({"y": label}))
    labelled.push_to_hub("ada/labelled", private=True)
    sha = api.dataset_info("ada/labelled").sha
    infos = get_exported_dataset_infos("ada/labelled", sha, token)
    assert datasets.DatasetInfo.from_dict(infos["default"]).features == labelled.features, infos
    assert set(get_exported_dataset_infos("ada/pushed", api.dataset_info("ada/pushed").sha, token)) == {"default", "second"}

    # What the library makes of text can have other types, so it gets none, and is not disturbed.
    api.create_repo("ada/written", repo_type="dataset", private=True)
    text = "id,day,ok,code\n1,2024-01-01,yes,007\n2,,no,\n"
    api.upload_file(path_or_fileobj=text.encode(), path_in_repo="rows.csv", repo_id="ada/written", repo_type="dataset")
    sha = api.dataset_info("ada/written").sha
    refused(DatasetViewerError, lambda: get_exported_parquet_files("ada/written", sha, token))
    refused(DatasetViewerError, lambda: get_exported_dataset_infos("ada/written", sha, token))
    rows = datasets.load_dataset("ada/written", split="train")
    assert (rows["id"][:], rows["ok"][:]) == ([1, 2], ["yes", "no"]), rows.to_dict()

    # And as a page of documentation shows it.
    url = os.environ["HF_ENDPOINT"].replace("://", "://datasets-server.")
    asked = {"dataset": "ada/written", "config": "default", "split": "train"}
    page = session.get(f"{url}/rows", params=asked, headers=own)
    assert page.status_code == 200 and page.headers["x-revision"] == sha, page.text
    assert page.json()["rows"][0]["row"]["id"] == 1 and page.json()["num_rows_total"] == 2, page.text
    assert session.get(f"{url}/rows", params=asked).status_code == 401
    valid = session.get(f"{url}/is-valid", params={"dataset": "ada/written"}, headers=own).json()
    assert valid["viewer"] and valid["filter"], valid


def histories():
    cards = {"license": "mit", "language": ["en", "de"], "tags": ["owls"], "pretty_name": "All: birds"}
    text = "---\nlicense: mit\nlanguage: [en, de]\ntags:\n- owls\npretty_name: 'All: birds'\n---\n# Birds\n"
    api.upload_file(path_or_fileobj=text.encode(), path_in_repo="README.md", **kind)
    info = api.dataset_info(repo)
    assert info.card_data.to_dict() == cards, info.card_data
    assert info.tags == ["language:en", "language:de", "license:mit", "owls"], info.tags
    assert huggingface_hub.DatasetCard.load(repo).data.license == "mit"
    bomb = "---\na: &a [x, x]\n" + "".join(f"{x}: &{x} [{', '.join([f'*{y}'] * 9)}]\n" for x, y in zip("bcdefghij", "abcdefghi"))
    refused(ValueError, lambda: api.upload_file(path_or_fileobj=f"{bomb}---\n".encode(), path_in_repo="README.md", **kind))

    listed = {file.filename: file for file in api.list_lfs_files(**kind)}
    # Of two files of the same bytes, the first one.
    wav = listed["copies/all.wav"]
    assert (wav.size, wav.ref) == (12_000_000, "refs/heads/main") and wav.pushed_at.tzinfo, wav
    # What revisions name is not deleted, whatever the client says of history.
    for rewrite in [True, False]:
        reply = refused(HfHubHTTPError, lambda: api.permanently_delete_lfs_files(**kind, lfs_files=[wav], rewrite_history=rewrite), 409)
        assert "does not rewrite history" in str(reply), reply
    api.create_repo("ada/squashed", repo_type="dataset")
    other = {"repo_id": "ada/squashed", "repo_type": "dataset"}
    for content in [os.urandom(2000), os.urandom(3000)]:
        api.upload_file(path_or_fileobj=content, path_in_repo="one.bin", **other)
    api.super_squash_history(**other, commit_message="One")
    assert [commit.title for commit in api.list_repo_commits(**other)] == ["One"]
    old = [file for file in api.list_lfs_files(**other) if not file.filename]
    assert [file.size for file in old] == [2000], old
    api.permanently_delete_lfs_files(**other, lfs_files=old)
    assert [file.size for file in api.list_lfs_files(**other)] == [3000]
    refused(RevisionNotFoundError, lambda: api.super_squash_history(**other, branch="no-such"))

    api.move_repo(from_id="ada/squashed", to_id="aviary/moved", repo_type="dataset")
    assert not api.repo_exists(**other)
    with open(api.hf_hub_download("aviary/moved", "one.bin", repo_type="dataset"), "rb") as file:
        assert file.read() == content
    refused(HfHubHTTPError, lambda: api.move_repo(from_id="ada/pushed", to_id="aviary/cages", repo_type="dataset"), 409)
    refused(RepositoryNotFoundError, lambda: api.move_repo(from_id="ada/none", to_id="ada/some", repo_type="dataset"))


def lists():
    ids = lambda **asked: sorted(found.id for found in api.list_datasets(**asked))
    everything = ids()
    assert {"ada/birds", "ada/pushed"} <= set(everything), everything
    assert ids(search="bird") == ["ada/birds"], ids(search="bird")
    assert ids(author="ada", search="push") == ["ada/pushed"]
    assert ids(search="no-such") == [] and ids(author="missing") == [] and ids(filter="no-such") == []
    # One by one: the pages follow each other.
    assert sorted(found.id for found in api.list_datasets(limit=2))[:2] and len(list(api.list_datasets(limit=1))) == 1
    (birds,) = api.list_datasets(search="birds", author="ada", sort="last_modified", full=True)
    assert birds.author == "ada" and birds.private and birds.sha == api.dataset_info(repo).sha, birds
    assert "ada/birds" not in [found.id for found in HfApi(token=False).list_datasets()]
    url = f"{api.endpoint}/api/v1/datasets/ada/pushed/star"
    star = urllib.request.Request(url, method="PUT", headers={"Authorization": f"Bearer {os.environ['HF_TOKEN']}"})
    urllib.request.urlopen(star).close()
    assert api.list_liked_repos().datasets == ["ada/pushed"]
    assert next(iter(api.list_datasets(sort="likes"))).id == "ada/pushed"


def pull_requests(known):
    main = api.dataset_info(repo).sha
    # A commit that opens its own pull request: `main` stays as it is.
    wav = os.urandom(300_000)
    made = api.create_commit(
        operations=[CommitOperationAdd("proposed/a.txt", b"a\n"), CommitOperationAdd("proposed/b.wav", wav)],
        commit_message="Propose two files", commit_description="Both are *new*.", create_pr=True, **kind,
    )
    assert (made.pr_revision, made.pr_num) == ("refs/pr/1", 1) and made.pr_url.endswith(f"/datasets/{repo}/discussions/1"), made
    assert api.dataset_info(repo).sha == main
    assert api.dataset_info(repo, revision="refs/pr/1").sha == made.oid
    assert not api.file_exists(**kind, filename="proposed/a.txt")
    with open(api.hf_hub_download(**kind, filename="proposed/b.wav", revision="refs/pr/1"), "rb") as file:
        assert file.read() == wav
    assert "proposed/a.txt" in api.list_repo_files(**kind, revision="refs/pr/1")
    assert "proposed/a.txt" in [entry.path for entry in api.list_repo_tree(**kind, revision="refs/pr/1", recursive=True)]
    assert HfFileSystem().cat_file(f"datasets/{repo}@refs/pr/1/proposed/a.txt") == b"a\n"
    refused(RevisionNotFoundError, lambda: api.dataset_info(repo, revision="refs/pr/99"))
    # More commits to it.
    more = api.upload_file(path_or_fileobj=b"more\n", path_in_repo="proposed/c.txt", revision=made.pr_revision, **kind)
    refs = api.list_repo_refs(**kind, include_pull_requests=True)
    assert [(ref.ref, ref.target_commit) for ref in refs.pull_requests] == [("refs/pr/1", more.oid)], refs
    assert api.list_repo_refs(**kind).pull_requests is None

    details = api.get_discussion_details(repo, 1, repo_type="dataset")
    assert (details.title, details.status, details.author, details.is_pull_request) == ("Propose two files", "open", "ada", True), details
    assert (details.target_branch, details.conflicting_files, details.merge_commit_oid) == ("refs/heads/main", [], None), details
    assert [event.content for event in details.events] == ["Both are *new*."], details
    said = api.comment_discussion(repo, 1, "Fine <b>work</b>", repo_type="dataset")
    assert (said.type, said.content, said.edited, said.hidden, said.author) == ("comment", "Fine <b>work</b>", False, False, "ada"), said
    assert "<b>" not in said.rendered, said
    edited = api.edit_discussion_comment(repo, 1, said.id, "Fine work", repo_type="dataset")
    assert (edited.id, edited.content, edited.edited, edited.last_edited_by) == (said.id, "Fine work", True, "ada"), edited
    title = api.rename_discussion(repo, 1, "Two new files", repo_type="dataset")
    assert (title.old_title, title.new_title) == ("Propose two files", "Two new files"), title
    assert api.change_discussion_status(repo, 1, "closed", comment="Not yet", repo_type="dataset").new_status == "closed"
    refused(HfHubHTTPError, lambda: api.merge_pull_request(repo, 1, repo_type="dataset"), 409)
    assert api.change_discussion_status(repo, 1, "open", repo_type="dataset").new_status == "open"
    api.merge_pull_request(repo, 1, comment="Thanks", repo_type="dataset")
    merged = api.get_discussion_details(repo, 1, repo_type="dataset")
    assert merged.status == "merged" and merged.merge_commit_oid == api.dataset_info(repo).sha, merged
    types = [event.type for event in merged.events]
    assert types == ["comment", "comment", "title-change", "comment", "status-change", "status-change", "comment", "status-change"], types
    assert merged.events[-1].new_status == "merged", merged
    assert api.file_exists(**kind, filename="proposed/c.txt")
    assert api.dataset_info(repo, revision="refs/pr/1").sha == more.oid

    # Empty at first, and merged into a branch that has moved on.
    request = api.create_pull_request(repo, "Later", description="Still empty", repo_type="dataset")
    assert (request.num, request.git_reference, request.status) == (2, "refs/pr/2", "open"), request
    refused(HfHubHTTPError, lambda: api.merge_pull_request(repo, 2, repo_type="dataset"), 409)
    assert api.change_discussion_status(repo, 2, "open", repo_type="dataset").new_status == "open"
    api.upload_file(path_or_fileobj=b"later\n", path_in_repo="proposed/later.txt", revision=request.git_reference, **kind)
    api.upload_file(path_or_fileobj=b"meanwhile\n", path_in_repo="proposed/meanwhile.txt", **kind)
    api.merge_pull_request(repo, 2, repo_type="dataset")
    assert {"proposed/later.txt", "proposed/meanwhile.txt"} < set(api.list_repo_files(**kind))
    # Conflicts.
    clash = api.upload_file(path_or_fileobj=b"one\n", path_in_repo="proposed/a.txt", create_pr=True, **kind)
    api.upload_file(path_or_fileobj=b"other\n", path_in_repo="proposed/a.txt", **kind)
    assert api.get_discussion_details(repo, clash.pr_num, repo_type="dataset").conflicting_files == ["proposed/a.txt"]
    refused(HfHubHTTPError, lambda: api.merge_pull_request(repo, clash.pr_num, repo_type="dataset"), 409)

    discussion = api.create_discussion(repo, "Which owls?", description="Barn owls?", repo_type="dataset")
    assert (discussion.num, discussion.is_pull_request, discussion.target_branch, discussion.diff) == (4, False, None, None), discussion
    assert discussion.url == f"{os.environ['HF_ENDPOINT']}/datasets/{repo}/discussions/4"
    api.change_discussion_status(repo, 4, "closed", repo_type="dataset")
    listed = lambda **asked: [found.num for found in api.get_repo_discussions(repo, repo_type="dataset", **asked)]
    assert listed() == [4, 3, 2, 1], listed()
    assert listed(discussion_type="pull_request") == [3, 2, 1] and listed(discussion_type="discussion") == [4]
    assert listed(discussion_status="open") == [3] and listed(discussion_status="closed") == [4, 2, 1]
    assert listed(author="ada", discussion_type="all", discussion_status="all") == [4, 3, 2, 1] and listed(author="eve") == []
    hidden = api.hide_discussion_comment(repo, 4, discussion.events[0].id, repo_type="dataset")
    assert hidden.hidden and hidden.content == "", hidden
    refused(HfHubHTTPError, lambda: api.get_discussion_details(repo, 99, repo_type="dataset"), 404)
    refused(RepositoryNotFoundError, lambda: list(api.get_repo_discussions("ada/none", repo_type="dataset")))


def settings():
    api.update_repo_settings(**kind, private=False)
    anonymous = HfApi(token=False)
    assert not anonymous.dataset_info(repo).private
    anonymous.hf_hub_download(**kind, filename="README.md", local_dir="public")
    refused(HfHubHTTPError, lambda: anonymous.upload_file(path_or_fileobj=b"x", path_in_repo="x", **kind), 401)
    api.update_repo_settings(**kind, private=True)
    refused(RepositoryNotFoundError, lambda: anonymous.dataset_info(repo))
    refused(RepositoryNotFoundError, lambda: anonymous.hf_hub_download(**kind, filename="README.md", local_dir="none"))


account()
repositories()
known = uploads()
commits(known)
references()
downloads(known)
files(known)
tables()
viewer()
histories()
lists()
pull_requests(known)
settings()
print("done")

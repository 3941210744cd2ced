"""The chart, rendered as `helm template` would, by Helm's own engine."""

import base64
import re
from pathlib import Path

import helm_python
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "deploy" / "helm" / "rutter"
VALUES = {path.stem: path for path in sorted((Path(__file__).parent / "values").glob("*.yaml"))}

# The Secret `rutter-environment` of values with `existingSecret`. The addresses are those of no server.
EXISTING_SECRET = {
    "RUTTER_SECRET": "value-of-an-existing-secret-0123456789",
    "RUTTER_DATABASE_URL": "postgres://rutter:password@127.0.0.1:9/rutter",
    "AWS_ACCESS_KEY_ID": "GK0123456789",
    "AWS_SECRET_ACCESS_KEY": "secret-key",
    "AZURE_STORAGE_ACCOUNT": "drive",
    "AZURE_STORAGE_KEY": base64.b64encode(b"secret-key").decode(),
}


def values_of(name):
    """Returns the values of a file, parsed as Helm does."""
    return helm_python.values_from_yaml(VALUES[name].read_text())


def documented():
    """Returns the values of deploy/README.md: the first example, and the others on top of it, which are not alike."""
    section = (REPOSITORY / "deploy" / "README.md").read_text().split("\n## Kubernetes\n")[1].split("\n## ")[0]
    blocks = [helm_python.values_from_yaml(text) for text in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)]
    assert len(blocks) == 3, f"{len(blocks)} examples"

    def over(below, above):
        if not (isinstance(below, dict) and isinstance(above, dict)):
            return above
        return {**below, **{name: over(below.get(name), value) for name, value in above.items()}}

    return {"base": blocks[0], "external": over(blocks[0], blocks[1]), "apps": over(blocks[0], blocks[2])}


def render(values, *, chart=CHART, release="rutter", namespace="rutter"):
    """Returns the objects. Values that the chart refuses are a `HelmError`."""
    with helm_python.Chart.load(chart) as loaded:
        loaded.validate_schema(values)
        files = loaded.render(values, name=release, namespace=namespace)
    objects = []
    for name, text in files.items():
        if name.endswith(".yaml"):
            objects += [one for one in yaml.load_all(text, UniqueKeys) if one]
    return objects


def notes(values):
    """Returns what Helm prints after an installation."""
    with helm_python.Chart.load(CHART) as loaded:
        return loaded.render(values, name="rutter", namespace="rutter")["rutter/templates/NOTES.txt"]


class UniqueKeys(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):
    """Refuses a key that occurs twice in a mapping."""


def unique_mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise yaml.constructor.ConstructorError(None, None, f"keys occur twice: {twice}", node.start_mark)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


UniqueKeys.add_constructor("tag:yaml.org,2002:map", unique_mapping)


def only(objects, kind, name=None):
    """Returns the only object of this kind (and name)."""
    found = [one for one in objects if one["kind"] == kind and name in (None, one["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}, name {name}"
    return found[0]


def has(objects, kind):
    """Returns true if there is an object of this kind."""
    return any(one["kind"] == kind for one in objects)


def pod_of(objects):
    """Returns the pod's specification."""
    return only(objects, "Deployment")["spec"]["template"]["spec"]


def environment_of(objects):
    """Returns the environment of the container as (name, value), in the order in which Kubernetes applies it."""
    container = pod_of(objects)["containers"][0]
    pairs = []
    for source in container.get("envFrom", []):
        if reference := source.get("configMapRef"):
            pairs += (only(objects, "ConfigMap", reference["name"])["data"] or {}).items()
        elif source["secretRef"]["name"] == "rutter-environment":
            pairs += EXISTING_SECRET.items()
        else:
            data = only(objects, "Secret", source["secretRef"]["name"])["data"]
            pairs += ((name, base64.b64decode(value).decode()) for name, value in data.items())
    return pairs + [(one["name"], one["value"]) for one in container.get("env", [])]

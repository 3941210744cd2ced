"""The Terraform modules: syntax, format, and names. Neither `validate` nor `plan` run here: no package has the binaries
of providers. So types of attributes, and what a provider does with them, are not checked."""

import ast
import os
import re
import subprocess
import tempfile
import unittest
from importlib.util import find_spec
from pathlib import Path

import hcl2
import yaml

from rendered import REPOSITORY, environment_of, only, render, values_of

TERRAFORM = REPOSITORY / "deploy" / "terraform"
FOLDERS = [path for parent in ("modules", "examples") for path in sorted((TERRAFORM / parent).iterdir())]
MODULES = {path.name: path for path in FOLDERS if path.parent.name == "modules"}
PLATFORM = REPOSITORY / "src" / "oauth" / "platform_config"
# Arguments of Terraform itself.
META = {"for_each", "count", "depends_on", "provider", "lifecycle", "source", "version", "providers"}


def unquoted(value):
    """Returns the value without the quotes of literals, and without what the parser adds."""
    if isinstance(value, dict):
        own = ("__is_block__", "__comments__")
        return {unquoted(key): unquoted(one) for key, one in value.items() if key not in own}
    if isinstance(value, list):
        return [unquoted(one) for one in value]
    return value[1:-1] if isinstance(value, str) and value[:1] == value[-1:] == '"' else value


class Folder:
    """A module: its blocks, from all files."""

    def __init__(self, path):
        self.path, self.text, self.blocks = path, "", {}
        for file in sorted(path.glob("*.tf")):
            text = file.read_text()
            self.text += "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")) + "\n"
            for kind, blocks in hcl2.loads(text).items():
                self.blocks.setdefault(kind, []).extend(unquoted(blocks) if kind != "__comments__" else [])

    def named(self, kind):
        """Returns the blocks with one label, by name."""
        return {name: body for block in self.blocks.get(kind, []) for name, body in block.items()}

    def resources(self):
        """Returns the resources as (type, name, body)."""
        return [(kind, name, body) for block in self.blocks.get("resource", [])
                for kind, named in block.items() for name, body in named.items()]

    def locals(self):
        return {name: value for block in self.blocks.get("locals", []) for name, value in block.items()}


ALL = {path: Folder(path) for path in FOLDERS}


def attributes(provider, folder, name):
    """Returns the attributes of a class of CDKTF: the arguments of its constructor, with those of nested blocks as a
    set. Its source is read, not run: it would need jsii."""
    source = Path(find_spec(f"cdktf_cdktf_provider_{provider}").origin).parent / folder / "__init__.py"
    classes = {one.name: one for one in ast.parse(source.read_text()).body if isinstance(one, ast.ClassDef)}

    def arguments(name):
        init = next(one for one in classes[name].body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
        return {one.arg.rstrip("_"): ast.unparse(one.annotation) for one in init.args.kwonlyargs}

    found = {}
    for argument, annotation in arguments(name).items():
        nested = [one for one in classes if re.search(rf'["\']{one}["\']', annotation) and one.startswith(name)]
        found[argument] = set(arguments(nested[0])) if nested else None
    return found


class Terraform(unittest.TestCase):
    def each(self):
        self.assertEqual(len(ALL), 3)
        for path, folder in ALL.items():
            with self.subTest(folder=path.name):
                yield path, folder

    def test_format(self):
        files = sorted(TERRAFORM.rglob("*.tf"))
        self.assertGreater(len(files), 8)
        command = ["node", Path(__file__).with_name("format.mjs")]
        self.assertEqual(subprocess.check_output([*command, *files], text=True), "")
        with tempfile.TemporaryDirectory() as folder:
            unformatted = Path(folder) / "a.tf"
            unformatted.write_text("locals {\n  a=1\n}\n")
            self.assertEqual(subprocess.check_output([*command, unformatted], text=True), f"{unformatted}\n")

    def test_variables(self):
        for _, folder in self.each():
            variables = folder.named("variable")
            self.assertEqual(set(variables), set(re.findall(r"\bvar\.(\w+)", folder.text)))
            for name, variable in variables.items():
                self.assertGreater(len(variable["description"]), 10, name)
                self.assertIn("type", variable, name)
                if "secret" in name and "map(" in str(variable["type"]):
                    self.assertIs(variable["sensitive"], True, name)
            for name, output in folder.named("output").items():
                self.assertGreater(len(output["description"]), 10, name)

    def test_the_readme_has_the_variables_of_the_modules(self):
        readme = (REPOSITORY / "deploy" / "README.md").read_text()
        for name, path in MODULES.items():
            section = readme.split(f"`terraform/modules/{name}`", 1)[1]
            documented = set(re.findall(r"^\| `(\w+)`", section.split("\n\n|", 1)[1].split("\n\n")[0], re.MULTILINE))
            self.assertEqual(documented, set(ALL[path].named("variable")), name)

    def test_references(self):
        for _, folder in self.each():
            self.assertEqual(set(folder.locals()), set(re.findall(r"\blocal\.(\w+)", folder.text)))
            resources = {f"{kind}.{name}" for kind, name, _ in folder.resources()}
            used = set(re.findall(r"\b((?:helm|kubernetes)_\w+\.\w+)", folder.text))
            self.assertLessEqual(used, resources)
            providers = {kind.split("_")[0] for kind, _, _ in folder.resources()}
            required = folder.blocks["terraform"][0]["required_providers"][0]
            self.assertLessEqual(providers, set(required))
            for name, provider in required.items():
                self.assertEqual(provider["source"], f"hashicorp/{name}")

    def test_calls_of_modules(self):
        called = set()
        for path, folder in self.each():
            for name, call in folder.named("module").items():
                module = ALL[(path / call["source"]).resolve()]
                variables, given = module.named("variable"), set(call) - META
                self.assertLessEqual(given, set(variables), name)
                self.assertLessEqual({one for one, body in variables.items() if "default" not in body}, given, name)
                called.add(module.path.name)
        self.assertEqual(called, set(MODULES))

    def test_attributes_of_resources(self):
        known = {
            "helm_release": attributes("helm", "release", "Release"),
            "kubernetes_namespace_v1": attributes("kubernetes", "namespace_v1", "NamespaceV1"),
            "kubernetes_secret_v1": attributes("kubernetes", "secret_v1", "SecretV1"),
        }
        self.assertIn("annotations", known["kubernetes_secret_v1"]["metadata"])
        self.assertNotIn("repositories", known["helm_release"])
        seen = set()
        for _, folder in self.each():
            for kind, name, body in folder.resources():
                seen.add(kind)
                for attribute, value in body.items():
                    if attribute in META and not (kind == "helm_release" and attribute == "version"):
                        continue
                    self.assertIn(attribute, known[kind], f"{kind}.{name}")
                    if nested := known[kind][attribute]:
                        for block in value if isinstance(value, list) else [value]:
                            self.assertLessEqual(set(block), nested, f"{kind}.{name}.{attribute}")
        self.assertEqual(seen, set(known))

    def test_attributes_of_providers(self):
        for block in ALL[TERRAFORM / "examples" / "two-namespaces"].blocks["provider"]:
            for name, body in block.items():
                known = attributes(name, "provider", f"{name.capitalize()}Provider")
                self.assertLessEqual(set(body), set(known))
                for attribute, value in body.items():
                    if known[attribute]:
                        self.assertLessEqual(set(value), known[attribute])

    def test_the_chart_takes_what_the_module_sets(self):
        locals_ = ALL[MODULES["rutter"]].locals()
        inputs = {
            "config": {"RUTTER_PUBLIC_URL": "https://data.example.org", "RUTTER_STORE_URL": "s3://datasets"},
            "config_file": "[limits]\n", "secret_files": "sign-in", "existing_secret": "", "storage": "external",
            "secret": {"RUTTER_SECRET": "0" * 40, "RUTTER_DATABASE_URL": "postgres://x/y"}, "replicas": 2,
            "image.repository": "registry.example.org/rutter", "image.tag": "1.2", "image.digest": "",
            "persistence.size": "1Gi", "persistence.storage_class": "fast", "persistence.existing_claim": "",
            "ingress.class_name": "nginx", "ingress.annotations": {"a": "b"}, "ingress.tls": True,
            "ingress.flight_annotations": {}, "ingress.tls_secret": "tls", "ingress.apps_tls_secret": "", "cert_manager.email": "a@example.org",
            "cert_manager.environment": "production", "cert_manager.solvers": [{"http01": {}}],
            "create_apps_namespace": False,
        }
        unused = set(inputs)

        def evaluate(value):
            if isinstance(value, dict):
                return {name: evaluate(one) for name, one in value.items()}
            if set_ := re.fullmatch(r"\$\{var\.(\w+) != null\}", value):
                return any(name.startswith(f"{set_[1]}.") for name in inputs)
            name = re.search(r"\bvar\.([\w.]+)", value)[1]
            unused.discard(name)
            return inputs[name]

        values = {**evaluate(locals_["values"]), **evaluate(locals_["secret_values"])}
        self.assertEqual(unused, set())
        objects = render(values)
        self.assertEqual(only(objects, "Deployment")["spec"]["replicas"], 2)
        self.assertEqual(only(objects, "Ingress")["spec"]["tls"][0]["secretName"], "tls")
        self.assertEqual(only(objects, "Issuer")["spec"]["acme"]["email"], "a@example.org")
        self.assertEqual(dict(environment_of(objects))["RUTTER_DATABASE_URL"], "postgres://x/y")
        # What the module does not set has a variable of its own there: `values`.
        known = yaml.safe_load((REPOSITORY / "deploy" / "helm" / "rutter" / "values.yaml").read_text())
        self.assertLessEqual(set(values), set(known))

    def test_the_values_of_applications_are_those_that_rutter_generates(self):
        locals_ = ALL[MODULES["open-mds"]].locals()
        generated = {}
        for path in PLATFORM.glob("*.yaml"):
            generated[path.stem] = yaml.safe_load(path.read_text().replace("{{text}}", " " * 8 + "text"))
        self.assertEqual(set(generated), set(locals_["charts"]))
        with_secret = {name for name, values in generated.items() if "RUTTER_CLIENT_SECRET" in str(values)}
        self.assertEqual(set(locals_["secret_values"]), with_secret)

        def overlaid(below, above):
            """Merges as Helm does: a list replaces a list."""
            if isinstance(below, dict) and isinstance(above, dict):
                merged = {name: overlaid(below[name], one) if name in below else one for name, one in above.items()}
                return {**below, **merged}
            return above

        for name in with_secret:
            # The same, but for the name of the Secret.
            text = yaml.safe_dump(locals_["secret_values"][name])
            text = text.replace(f"${{local.secret_names.{name}}}", f"{name}-rutter-client")
            self.assertEqual(overlaid(generated[name], yaml.safe_load(text)), generated[name])
            self.assertIn(f"{name}-rutter-client", text)


if __name__ == "__main__":
    unittest.main()

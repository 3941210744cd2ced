"""The Helm chart: what it renders, what it refuses, and whether Kubernetes has these fields."""

import json
import shutil
import tempfile
import tomllib
import unittest
from pathlib import Path

import helm_python
import kubernetes_validate

from rendered import CHART, REPOSITORY, VALUES, documented, environment_of, has, notes, only, pod_of, render, values_of

# The oldest version that Chart.yaml allows, one between, and the newest one.
KUBERNETES = ["1.27", "1.32", "1.37"]
# Resources of cert-manager: there are no schemas of them.
CUSTOM = {"Issuer"}
# What the server may do with objects of apps that it never changes.
KEPT = {"get", "list", "create", "delete"}



class Rendered(unittest.TestCase):
    def each(self):
        """Yields name, values and objects of each file of values."""
        self.assertEqual(len(VALUES), 8)
        for name in VALUES:
            with self.subTest(values=name):
                values = values_of(name)
                yield name, values, render(values)

    def test_lint(self):
        for name in VALUES:
            with self.subTest(values=name):
                report = helm_python.lint(CHART, values_of(name), strict=True, kube_version="v1.27.0")
                findings = [one for one in report["messages"] if "icon is recommended" not in one["error"]]
                self.assertEqual((findings, report["errors"]), ([], []))

    def test_kubernetes_has_every_field(self):
        validated = 0
        for _, _, objects in self.each():
            for one in objects:
                for version in KUBERNETES if one["kind"] not in CUSTOM else []:
                    with self.subTest(version=version, kind=one["kind"], name=one["metadata"]["name"]):
                        self.assertEqual(kubernetes_validate.validate(one, version, strict=True), version)
                        validated += 1
        self.assertGreater(validated, 100)
        one["spec"]["template"] = {"unknown": 1}
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(one, KUBERNETES[0], strict=True)

    def test_pods_meet_the_restricted_pod_security_standard(self):
        for _, _, objects in self.each():
            pod = pod_of(objects)
            security = pod["securityContext"]
            self.assertIs(security["runAsNonRoot"], True)
            self.assertGreater(min(security["runAsUser"], security["runAsGroup"], security["fsGroup"]), 0)
            self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
            for name in ("hostNetwork", "hostPID", "hostIPC", "initContainers"):
                self.assertNotIn(name, pod)
            kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
            self.assertLessEqual(kinds, {"emptyDir", "configMap", "secret", "persistentVolumeClaim"})
            for container in pod["containers"]:
                own = dict(container["securityContext"])
                self.assertEqual(own.pop("capabilities"), {"drop": ["ALL"]})
                self.assertEqual(own, {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True})
                self.assertNotIn("hostPort", container["ports"][0])
                # Nothing else can be written to.
                mounts = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
                self.assertEqual(mounts, {"/data", "/cache", "/tmp"})
                volumes = {volume["name"] for volume in pod["volumes"]}
                self.assertLessEqual({mount["name"] for mount in container["volumeMounts"]}, volumes)

    def test_the_default_has_no_secret_no_root_and_no_role(self):
        objects = render({})
        kinds = {one["kind"] for one in objects}
        self.assertEqual(
            kinds, {"ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "Service"})
        self.assertEqual(dict(environment_of(objects)), {
            "RUTTER_LISTEN": "0.0.0.0:8080", "RUTTER_DATA": "/data", "RUTTER_CACHE": "/cache",
            "RUTTER_TABLES__SCRATCH_BYTES": "3GiB"})
        self.assertIs(pod_of(objects)["automountServiceAccountToken"], False)

    def test_secrets_are_in_secrets_only(self):
        hidden = 0
        for _, values, objects in self.each():
            rest = [one for one in objects if one["kind"] != "Secret"]
            for secret in values.get("secret", {}).values():
                self.assertNotIn(json.dumps(secret)[1:-1], json.dumps(rest))
                self.assertNotIn(secret, notes(values))
                hidden += 1
            if "secret" in values:
                self.assertEqual(set(only(objects, "Secret")["data"]), set(values["secret"]))
            else:
                self.assertFalse(has(objects, "Secret"))
        self.assertGreater(hidden, 5)

    def test_roles_are_those_of_the_namespace_of_apps(self):
        for name, values, objects in self.each():
            kinds = {one["kind"] for one in objects}
            self.assertFalse(kinds & {"ClusterRole", "ClusterRoleBinding"})
            with_apps = name.startswith("apps")
            self.assertEqual({"Role", "RoleBinding"} <= kinds, with_apps)
            self.assertIs(pod_of(objects)["automountServiceAccountToken"], with_apps)
            if not with_apps:
                self.assertFalse(kinds & {"Role", "RoleBinding", "ServiceAccount", "Namespace"})
                continue
            namespace = values["config"].get("RUTTER_APPS__KUBERNETES__NAMESPACE", "rutter-apps")
            role, binding = only(objects, "Role"), only(objects, "RoleBinding")
            for one in (role, binding):
                self.assertEqual(one["metadata"]["namespace"], namespace)
            self.assertEqual(binding["roleRef"]["name"], role["metadata"]["name"])
            account = values.get("serviceAccount", {}).get("name")
            account = account or only(objects, "ServiceAccount")["metadata"]["name"]
            self.assertEqual(binding["subjects"], [{"kind": "ServiceAccount", "name": account, "namespace": "rutter"}])
            self.assertEqual(pod_of(objects)["serviceAccountName"], account)
            allowed = {}
            for rule in role["rules"]:
                for resource in rule["resources"]:
                    allowed[rule["apiGroups"][0], resource] = set(rule["verbs"])
            kept = [("", "services"), ("", "secrets"), ("", "persistentvolumeclaims")]
            kept += [("networking.k8s.io", "networkpolicies")]
            self.assertEqual(allowed, {
                **dict.fromkeys(kept, KEPT), ("apps", "deployments"): KEPT | {"patch"},
                ("", "pods"): {"list"}, ("", "events"): {"list"}, ("", "pods/log"): {"get"}})

    def test_the_namespace_of_apps(self):
        namespace = only(render(values_of("apps")), "Namespace")["metadata"]
        self.assertEqual(namespace["name"], "rutter-apps")
        self.assertEqual(namespace["labels"]["pod-security.kubernetes.io/enforce"], "restricted")
        self.assertEqual(namespace["annotations"], {"helm.sh/resource-policy": "keep"})
        self.assertFalse(has(render(values_of("apps-wildcard")), "Namespace"))

    def test_replicas_need_postgresql_and_a_bucket(self):
        for name, values, objects in self.each():
            deployment = only(objects, "Deployment")["spec"]
            is_external = values.get("storage") == "external"
            self.assertEqual(deployment["strategy"]["type"], "RollingUpdate" if is_external else "Recreate")
            self.assertEqual(has(objects, "PodDisruptionBudget"), deployment["replicas"] > 1)
            self.assertEqual(has(objects, "PersistentVolumeClaim"), not is_external and name != "everything")
            data = next(one for one in pod_of(objects)["volumes"] if one["name"] == "data")
            self.assertEqual("emptyDir" in data, is_external)
            if not is_external:
                self.assertEqual(deployment["replicas"], 1)
                claim = "data" if name == "everything" else only(objects, "PersistentVolumeClaim")["metadata"]["name"]
                self.assertEqual(data["persistentVolumeClaim"], {"claimName": claim})

    def test_no_variable_is_set_twice(self):
        for _, _, objects in self.each():
            names = [name for name, _ in environment_of(objects)]
            self.assertEqual(len(names), len(set(names)), names)
            self.assertEqual(len(names), len({name.lower() for name in names}), names)

    def test_values_become_variables(self):
        volume = dict(environment_of(render(values_of("volume"))))
        self.assertEqual(volume["RUTTER_TRUSTED_PROXIES"], '["10.0.0.0/8","fd00::/8"]')
        self.assertEqual(volume["RUTTER_LIMITS__PACK_BYTES"], "5000000000000")
        self.assertEqual(volume["RUTTER_GC__ENABLED"], "false")
        external = values_of("external")["secret"]
        self.assertLessEqual(external.items(), dict(environment_of(render(values_of("external")))).items())
        apps = [dict(environment_of(render(values_of(name)))) for name in ("apps", "apps-wildcard")]
        urls = [one["RUTTER_APPS__KUBERNETES__API_URL"] for one in apps]
        self.assertEqual(urls, ["http://rutter.rutter.svc:8080", "http://drive.internal:80"])

    def test_selectors_never_change(self):
        immutable = set()
        with tempfile.TemporaryDirectory() as folder:
            later = Path(shutil.copytree(CHART, Path(folder) / "rutter"))
            chart = (later / "Chart.yaml").read_text()
            (later / "Chart.yaml").write_text(chart.replace("ersion: 0.1.0", "ersion: 7.8.9"))
            for name in VALUES:
                for version in (CHART, later):
                    objects = render(values_of(name), chart=version)
                    deployment = only(objects, "Deployment")
                    selector = deployment["spec"]["selector"]["matchLabels"]
                    immutable.add((deployment["metadata"]["name"], json.dumps(selector, sort_keys=True)))
                    labels = deployment["spec"]["template"]["metadata"]["labels"]
                    selects = [selector, only(objects, "Service")["spec"]["selector"]]
                    selects.append(only(objects, "NetworkPolicy", "rutter")["spec"]["podSelector"]["matchLabels"])
                    for one in selects:
                        self.assertEqual(one, selector)
                        self.assertLessEqual(one.items(), labels.items())
            self.assertEqual(labels["app.kubernetes.io/version"], "7.8.9")
        self.assertEqual(immutable, {
            ("rutter", '{"app.kubernetes.io/instance": "rutter", "app.kubernetes.io/name": "rutter"}')})

    def test_labels_and_names(self):
        for name, values, objects in self.each():
            for one in objects:
                labels = one["metadata"]["labels"]
                self.assertEqual(labels["app.kubernetes.io/name"], "rutter")
                self.assertEqual(labels["app.kubernetes.io/managed-by"], "Helm")
                self.assertTrue(all(len(value) <= 63 for value in labels.values()))
            names = [(one["kind"], one["metadata"]["name"], one["metadata"].get("namespace")) for one in objects]
            self.assertEqual(len(names), len(set(names)))
            other = render(values, release="drive", namespace="data")
            self.assertEqual(only(other, "Service")["metadata"]["name"], "drive-rutter")
            namespaces = {one["metadata"].get("namespace") for one in other}
            self.assertLessEqual(namespaces, {None, "rutter-apps", "drive-apps"})

    def test_a_change_of_the_configuration_replaces_the_pods(self):
        def annotations(values):
            return only(render(values), "Deployment")["spec"]["template"]["metadata"]["annotations"]
        base = values_of("external")
        self.assertEqual(annotations(base), annotations(values_of("external")))
        for part, key in (("config", "RUTTER_LOG"), ("secret", "AWS_SESSION_TOKEN")):
            changed = {**base, part: {**base[part], key: "debug"}}
            self.assertNotEqual(annotations(base), annotations(changed))
        self.assertNotEqual(annotations(base), annotations({**base, "configFile": "[limits]\n"}))

    def test_probes_and_ports(self):
        for _, values, objects in self.each():
            container, service = pod_of(objects)["containers"][0], only(objects, "Service")["spec"]
            probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
            self.assertEqual([one["path"] for one in probes.values()], ["/healthz", "/healthz", "/readyz"])
            self.assertEqual({one["port"] for one in probes.values()}, {"http"})
            self.assertEqual(container["ports"], [{"name": "http", "containerPort": 8080}])
            port = values.get("service", {}).get("port", 8080)
            self.assertEqual(service["ports"], [{"name": "http", "port": port, "targetPort": "http"}])
            self.assertIs(pod_of(objects)["enableServiceLinks"], False)

    def test_ingresses(self):
        def ingress(name):
            objects = render(values_of(name))
            return {one["metadata"]["name"]: (
                [rule["host"] for rule in one["spec"]["rules"]],
                [(tls["hosts"], tls["secretName"]) for tls in one["spec"].get("tls", [])],
                one["spec"].get("ingressClassName"), one["metadata"].get("annotations", {}),
            ) for one in objects if one["kind"] == "Ingress"}
        issuer = {"cert-manager.io/issuer": "rutter"}
        data, apps, all_apps = ["data.example.org"], ["apps.example.net"], ["apps.example.net", "*.apps.example.net"]
        self.assertEqual(ingress("default"), {})
        self.assertEqual(ingress("volume"), {"rutter": (data, [(data, "rutter-tls")], "nginx", {
            **issuer, "nginx.ingress.kubernetes.io/proxy-body-size": "0"}),
            "rutter-flight": (data, [(data, "rutter-tls")], "nginx", {
                "nginx.ingress.kubernetes.io/backend-protocol": "GRPC"})})
        # Flight alone is gRPC.
        flight = only(render(values_of("volume")), "Ingress", "rutter-flight")["spec"]["rules"]
        paths = [path["path"] for rule in flight for path in rule["http"]["paths"]]
        self.assertEqual(paths, ["/arrow.flight.protocol.FlightService/"])
        self.assertEqual(ingress("existing-secret"), {"rutter": (data, [], None, {})})
        self.assertEqual(ingress("apps"), {
            "rutter": (data, [(data, "rutter-tls")], "traefik", issuer),
            "rutter-apps": (apps, [(apps, "rutter-apps-tls")], "traefik", issuer)})
        self.assertEqual(ingress("apps-wildcard"), {
            "rutter": (data, [(data, "rutter-tls")], None, issuer),
            "rutter-apps": (all_apps, [(all_apps, "rutter-apps-tls")], None, issuer)})

    def test_issuers(self):
        def issuer(name):
            acme = only(render(values_of(name)), "Issuer")["spec"]["acme"]
            return acme["server"], acme["solvers"]
        hosts = ("acme-staging-v02", "acme-v02")
        staging, production = (f"https://{host}.api.letsencrypt.org/directory" for host in hosts)
        self.assertEqual(issuer("volume"), (staging, [{"http01": {"ingress": {"ingressClassName": "nginx"}}}]))
        self.assertEqual(issuer("apps"), (production, [{"http01": {"ingress": {"ingressClassName": "traefik"}}}]))
        self.assertEqual(issuer("apps-wildcard")[1][0]["dns01"]["webhook"]["solverName"], "example")
        without_class = values_of("volume")
        del without_class["ingress"]["className"]
        acme = only(render(without_class), "Issuer")["spec"]["acme"]
        self.assertEqual(acme["solvers"], [{"http01": {"ingress": {}}}])

    def test_network_policies(self):
        def policy(name):
            return only(render(values_of(name)), "NetworkPolicy", "rutter")["spec"]
        self.assertEqual(policy("default")["ingress"], [{"ports": [{"port": "http"}]}])
        self.assertEqual(policy("default")["policyTypes"], ["Ingress"])
        peers = [one["namespaceSelector"]["matchLabels"] for one in policy("apps")["ingress"][0]["from"]]
        self.assertEqual(peers, [{"kubernetes.io/metadata.name": name} for name in ("traefik", "rutter-apps")])
        self.assertEqual(policy("everything")["policyTypes"], ["Ingress", "Egress"])
        self.assertEqual(policy("everything")["egress"], values_of("everything")["networkPolicy"]["egress"])
        self.assertFalse(has(render({"networkPolicy": {"enabled": False}}), "NetworkPolicy"))
        # Pods of apps reach nothing until the policy of their app allows it.
        denied = only(render(values_of("apps")), "NetworkPolicy", "rutter-apps")["spec"]
        self.assertEqual(set(denied), {"podSelector", "policyTypes"})
        self.assertEqual(denied["policyTypes"], ["Ingress", "Egress"])

    def test_everything_else_arrives(self):
        values, objects = values_of("everything"), render(values_of("everything"))
        pod, container = pod_of(objects), pod_of(objects)["containers"][0]
        image = values["image"]
        self.assertEqual(container["image"], f"{image['repository']}@{image['digest']}")
        self.assertEqual(container["imagePullPolicy"], "Always")
        self.assertEqual(container["resources"], values["resources"])
        for name in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "terminationGracePeriodSeconds"):
            self.assertEqual(pod[name], values[name])
        template = only(objects, "Deployment")["spec"]["template"]["metadata"]
        self.assertLessEqual(values["podAnnotations"].items(), template["annotations"].items())
        service = only(objects, "Service")
        self.assertEqual((service["spec"]["type"], service["metadata"]["annotations"]), (
            "LoadBalancer", values["service"]["annotations"]))
        values = values_of("config-file")
        file = only(render(values), "ConfigMap", "rutter-file")["data"]["rutter.toml"]
        self.assertEqual(tomllib.loads(file), tomllib.loads(values["configFile"]))

    def test_the_examples_of_the_documentation(self):
        examples = documented()
        base, external = render(examples["base"]), render(examples["external"])
        self.assertEqual([one["metadata"]["name"] for one in base if one["kind"] == "Ingress"], ["rutter", "rutter-flight"])
        self.assertEqual(only(external, "Deployment")["spec"]["replicas"], 3)
        # cert-manager does not issue a certificate that exists.
        pages, apps = (only(render(examples["apps"]), "Ingress", name) for name in ("rutter", "rutter-apps"))
        self.assertEqual(apps["spec"]["tls"][0]["secretName"], "apps-certificate")
        issued = ["cert-manager.io/issuer" in one["metadata"]["annotations"] for one in (pages, apps)]
        self.assertEqual(issued, [True, False])

    def test_versions(self):
        version = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["workspace"]["package"]["version"]
        with helm_python.Chart.load(CHART) as chart:
            self.assertEqual((chart.version, chart.metadata["appVersion"]), (version, version))
            self.assertEqual(chart.metadata["kubeVersion"], f">={KUBERNETES[0]}.0-0")
        self.assertEqual(pod_of(render({}))["containers"][0]["image"], f"rutter:{version}")

    def test_notes_name_what_is_missing(self):
        self.assertIn("setup-link", notes({}))
        self.assertIn("image.repository is not set", notes({}))
        self.assertIn("RUTTER_TRUSTED_PROXIES is not set", notes(values_of("existing-secret")))
        self.assertNotIn("RUTTER_TRUSTED_PROXIES", notes(values_of("volume")))
        self.assertIn("kubectl label namespace drive-apps", notes(values_of("apps-wildcard")))


if __name__ == "__main__":
    unittest.main()

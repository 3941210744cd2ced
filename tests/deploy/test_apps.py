"""What the server creates in Kubernetes for apps, and what the chart lets it create."""

import unittest

from rendered import only, pod_of, render, values_of
from test_backend_objects import BackendObjects

RESOURCES = {
    "Deployment": ("apps", "deployments"),
    "Service": ("", "services"),
    "Secret": ("", "secrets"),
    "PersistentVolumeClaim": ("", "persistentvolumeclaims"),
    "NetworkPolicy": ("networking.k8s.io", "networkpolicies"),
}


class Apps(unittest.TestCase):
    def setUp(self):
        self.chart = render(values_of("apps"))
        self.created = BackendObjects().objects()
        self.assertGreater(len(self.created), 5)

    def test_the_role_allows_every_kind(self):
        rules = only(self.chart, "Role")["rules"]
        rules = [rule for rule in rules if "create" in rule["verbs"]]
        may_create = {(rule["apiGroups"][0], resource) for rule in rules for resource in rule["resources"]}
        self.assertEqual({RESOURCES[one["kind"]] for one in self.created}, may_create)

    def test_apps_and_pods_of_the_server_reach_each_other(self):
        labels = only(self.chart, "Deployment")["spec"]["template"]["metadata"]["labels"]
        port = pod_of(self.chart)["containers"][0]["ports"][0]["containerPort"]
        to_server = 0
        for policy in (one["spec"] for one in self.created if one["kind"] == "NetworkPolicy"):
            for rule in policy["ingress"]:
                self.assertEqual(len(rule["from"]), 1)
                self.assertLessEqual(rule["from"][0]["podSelector"]["matchLabels"].items(), labels.items())
            for rule in policy.get("egress", []):
                for peer in rule["to"]:
                    selects = peer.get("podSelector", {}).get("matchLabels")
                    if selects and selects.items() <= labels.items():
                        self.assertEqual([one["port"] for one in rule["ports"]], [port])
                        to_server += 1
        self.assertGreater(to_server, 0)

    def test_their_namespace_admits_apps(self):
        # The pod security standard `restricted`, as far as these fields go.
        pods = [one["spec"]["template"]["spec"] for one in self.created if one["kind"] == "Deployment"]
        self.assertGreater(len(pods), 2)
        for pod in pods:
            self.assertGreater(pod["securityContext"]["runAsUser"], 0)
            self.assertFalse(set(pod) & {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"})
            kinds = {kind for volume in pod.get("volumes", []) for kind in volume if kind != "name"}
            self.assertLessEqual(kinds, {"emptyDir", "persistentVolumeClaim", "secret", "configMap"})
            for container in pod["containers"]:
                security = container["securityContext"]
                self.assertIs(security["runAsNonRoot"], True)
                self.assertIs(security["allowPrivilegeEscalation"], False)
                self.assertIsNot(security.get("privileged", False), True)
                self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertTrue(all("hostPort" not in port for port in container.get("ports", [])))


if __name__ == "__main__":
    unittest.main()

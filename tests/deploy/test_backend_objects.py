"""The objects that the server creates in Kubernetes for apps: a snapshot of the test `kubernetes::tests::made::all_objects`."""

import json
import unittest

import kubernetes_validate

from rendered import REPOSITORY
from test_chart import KUBERNETES

SNAPSHOT = REPOSITORY / "src" / "apps" / "kubernetes" / "tests" / "snapshots" / "kubernetes_objects.snap"


class BackendObjects(unittest.TestCase):
    def objects(self):
        # The snapshot begins with a header between two lines of dashes.
        plans = json.loads(SNAPSHOT.read_text().split("---\n", 2)[2])
        return [one for plan in plans.values() for one in plan.values()]

    def test_objects_are_valid(self):
        kinds = set()
        for one in self.objects():
            for version in KUBERNETES:
                with self.subTest(version=version, kind=one["kind"], name=one["metadata"]["name"]):
                    self.assertEqual(kubernetes_validate.validate(one, version, strict=True), version)
            kinds.add(one["kind"])
        self.assertEqual(kinds, {"Deployment", "Service", "Secret", "NetworkPolicy", "PersistentVolumeClaim"})

    def test_an_unknown_field_is_refused(self):
        one = next(one for one in self.objects() if one["kind"] == "Deployment")
        one["spec"]["template"]["spec"]["containers"][0]["envFroom"] = []
        for version in KUBERNETES:
            with self.assertRaises(kubernetes_validate.ValidationError):
                kubernetes_validate.validate(one, version, strict=True)


if __name__ == "__main__":
    unittest.main()

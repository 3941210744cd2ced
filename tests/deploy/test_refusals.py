"""Values that the chart refuses, each with a message that names the key."""

import unittest

import helm_python

from rendered import CHART, render, values_of

APPS = {"RUTTER_APPS__BACKEND": "kubernetes", "RUTTER_APPS__URL": "https://apps.example.net"}
EXTERNAL = values_of("external")
INGRESS = {"ingress": {"enabled": True}, "config": {"RUTTER_PUBLIC_URL": "https://data.example.org"}}

# By values.schema.json: unknown keys, wrong types, values out of bounds.
SCHEMA = [
    ({"replicaCount": 2}, "replicaCount"),
    ({"Config": {}}, "Config"),
    ({"image": {"repo": "x"}}, "repo"),
    ({"ingress": {"hosts": ["x"]}}, "hosts"),
    ({"persistence": {"accessMode": "ReadWriteMany"}}, "accessMode"),
    ({"certManager": {"issuer": "x"}}, "issuer"),
    ({"networkPolicy": {"ingress": []}}, "ingress"),
    ({"apps": {"backend": "kubernetes"}}, "backend"),
    ({"service": {"nodePort": 1}}, "nodePort"),
    ({"replicas": "2"}, "replicas"),
    ({"replicas": 0}, "replicas"),
    ({"replicas": 1.5}, "replicas"),
    ({"storage": "sqlite"}, "storage"),
    ({"config": ["RUTTER_LOG=info"]}, "config"),
    ({"config": {"rutter_log": "info"}}, "rutter_log"),
    ({"config": {"LOG": "info"}}, "LOG"),
    ({"config": {"RUTTER_LIMITS___TRANSFERS": 1}}, "RUTTER_LIMITS___TRANSFERS"),
    ({"config": {"RUTTER_LIMITS": {"TRANSFERS": 1}}}, "RUTTER_LIMITS"),
    ({"config": {"RUTTER_TRUSTED_PROXIES": [1]}}, "RUTTER_TRUSTED_PROXIES"),
    ({"secret": {"RUTTER_SECRET": 12345}}, "RUTTER_SECRET"),
    ({"secret": {"RUTTER_SECRET": ""}}, "RUTTER_SECRET"),
    ({"secret": {"PATH": "/"}}, "PATH"),
    ({"existingSecret": {"name": "x"}}, "existingSecret"),
    ({"existingSecret": "Not A Name"}, "existingSecret"),
    ({"image": {"digest": "sha256:12"}}, "digest"),
    ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
    ({"imagePullSecrets": ["registry"]}, "imagePullSecrets"),
    ({"persistence": {"size": 100}}, "size"),
    ({"persistence": {"size": "100 GB"}}, "size"),
    ({"cache": {"sizeLimit": "much"}}, "sizeLimit"),
    ({"service": {"port": 70000}}, "port"),
    ({"service": {"type": "ExternalName"}}, "type"),
    ({"ingress": {"enabled": "yes"}}, "enabled"),
    ({"ingress": {"annotations": {"a": 1}}}, "annotations"),
    ({"ingress": {"flightAnnotations": ["a"]}}, "flightAnnotations"),
    ({"certManager": {"environment": "test"}}, "environment"),
    ({"terminationGracePeriodSeconds": "80s"}, "terminationGracePeriodSeconds"),
    ({"podAnnotations": {"a": True}}, "podAnnotations"),
    ({"securityContext": {"runAsUser": 0}}, "securityContext"),
    ({"tolerations": {"key": "x"}}, "tolerations"),
]

# By the templates: values that contradict each other.
CHECKS = [
    ({"replicas": 2}, "exactly one replica"),
    ({"config": {"RUTTER_LISTEN": "0.0.0.0:80"}}, "config.RUTTER_LISTEN is set by the chart"),
    ({"config": {"RUTTER_DATA": "/srv"}}, "config.RUTTER_DATA is set by the chart"),
    ({"secret": {"RUTTER_CACHE": "/srv"}}, "secret.RUTTER_CACHE is set by the chart"),
    ({"config": {"RUTTER_SECRET": "0" * 40}}, "config.RUTTER_SECRET contains credentials"),
    ({"config": {"RUTTER_DATABASE_URL": "postgres://x"}}, "config.RUTTER_DATABASE_URL contains credentials"),
    ({"config": {"RUTTER_MAIL__URL": "smtp://x"}}, "config.RUTTER_MAIL__URL contains credentials"),
    ({"config": {"RUTTER_STORES__B__ENVIRONMENT__AWS_SECRET_ACCESS_KEY": "x"}}, "contains credentials"),
    ({"config": {"RUTTER_LOG": "info"}, "secret": {"RUTTER_LOG": "info"}}, "RUTTER_LOG is in `config` and in `secret`"),
    ({"existingSecret": "x", "secret": {"RUTTER_SECRET": "0" * 40}}, "exclude each other"),
    ({**EXTERNAL, "config": {}}, "requires a bucket"),
    ({**EXTERNAL, "config": {"RUTTER_STORE_URL": "file:///srv"}}, "requires a bucket"),
    ({**EXTERNAL, "secret": {"RUTTER_SECRET": "0" * 40}}, "requires PostgreSQL"),
    ({**EXTERNAL, "secret": {**EXTERNAL["secret"], "RUTTER_DATABASE_URL": "sqlite:///x"}}, "requires PostgreSQL"),
    ({**EXTERNAL, "secret": {"RUTTER_DATABASE_URL": "postgres://x/y"}}, "requires secret.RUTTER_SECRET"),
    ({"cache": {"sizeLimit": "38Gi"}}, "cache.sizeLimit must be at least 39936Mi"),
    ({"config": {"RUTTER_LIMITS__CACHE_BYTES": "20 GB"}}, "cache.sizeLimit must be at least"),
    ({"config": {"RUTTER_TABLES__SCRATCH_BYTES": "10GiB"}}, "cache.sizeLimit must be at least 75776Mi"),
    ({"config": {"RUTTER_TABLES__ENGINES": 8}}, "cache.sizeLimit must be at least"),
    ({"config": {"RUTTER_TABLES__CACHE_BYTES": 9_000_000_000}}, "cache.sizeLimit must be at least"),
    ({"ingress": {"enabled": True}}, "requires config.RUTTER_PUBLIC_URL, such as"),
    ({"ingress": {"enabled": True}, "config": {"RUTTER_PUBLIC_URL": "https://example.org/data"}}, "without a path"),
    ({"certManager": {"enabled": True, "email": "a@example.org"}}, "requires ingress.enabled"),
    ({**INGRESS, "certManager": {"enabled": True}}, "requires certManager.email"),
    ({**INGRESS, "certManager": {"enabled": True, "email": "a@example.org"},
      "config": {**INGRESS["config"], **APPS, "RUTTER_APPS__WILDCARD": True}}, "requires ingress.appsTlsSecret, or a DNS-01 solver"),
    ({"config": {"RUTTER_APPS__BACKEND": "docker"}}, "pods cannot use Docker Engine"),
    ({"config": {**APPS, "RUTTER_APPS__KUBERNETES__NAMESPACE": "rutter"}}, "another namespace than that of the release"),
    ({"apps": {"createNamespace": True}}, "requires config.RUTTER_APPS__BACKEND=kubernetes"),
]


class Refusals(unittest.TestCase):
    def test_schema(self):
        for values, key in SCHEMA:
            with self.subTest(values=values), helm_python.Chart.load(CHART) as chart:
                with self.assertRaises(helm_python.HelmValuesError) as caught:
                    chart.validate_schema(values)
                self.assertIn(key, str(caught.exception))

    def test_checks(self):
        for values, reason in CHECKS:
            with self.subTest(values=values):
                with self.assertRaises(helm_python.HelmRenderError) as caught:
                    render(values)
                self.assertIn(reason, str(caught.exception))


if __name__ == "__main__":
    unittest.main()

# Superset, Airflow, JupyterHub and ClickHouse of one organisation, in a namespace of their own. Users sign in with rutter.

locals {
  # The repositories that the projects document.
  charts = {
    superset   = { repository = "https://apache.github.io/superset", chart = "superset" }
    airflow    = { repository = "https://airflow.apache.org", chart = "airflow" }
    jupyterhub = { repository = "https://hub.jupyter.org/helm-chart/", chart = "jupyterhub" }
    clickhouse = { repository = "oci://registry-1.docker.io/bitnamicharts", chart = "clickhouse" }
  }

  # As in the values that rutter generates.
  secret_names = { for name in ["superset", "airflow", "jupyterhub"] : name => "${name}-rutter-client" }

  secret_values = {
    superset = {
      extraEnvRaw = [{
        name      = "RUTTER_CLIENT_SECRET"
        valueFrom = { secretKeyRef = { name = local.secret_names.superset, key = "secret" } }
      }]
    }
    airflow = {
      secret = [{
        envName    = "RUTTER_CLIENT_SECRET"
        secretName = local.secret_names.airflow
        secretKey  = "secret"
      }]
    }
    jupyterhub = {
      hub = {
        extraEnv = {
          RUTTER_CLIENT_SECRET = {
            valueFrom = { secretKeyRef = { name = local.secret_names.jupyterhub, key = "secret" } }
          }
        }
      }
    }
  }
}

resource "kubernetes_namespace_v1" "this" {
  metadata {
    name   = var.namespace
    labels = var.labels
  }
}

resource "kubernetes_secret_v1" "client" {
  # Only the names are not secret.
  for_each = { for name, secret_name in local.secret_names : name => secret_name if contains(nonsensitive(keys(var.client_secrets)), name) }

  metadata {
    name      = each.value
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }

  data = {
    secret = var.client_secrets[each.key]
  }
}

resource "helm_release" "application" {
  for_each = var.applications

  name       = each.key
  namespace  = kubernetes_namespace_v1.this.metadata[0].name
  repository = local.charts[each.key].repository
  chart      = local.charts[each.key].chart
  version    = each.value.version
  timeout    = var.timeout

  values = concat(
    [each.value.config],
    [for name, values in local.secret_values : yamlencode(values) if name == each.key],
    each.value.values,
  )

  depends_on = [kubernetes_secret_v1.client]
}

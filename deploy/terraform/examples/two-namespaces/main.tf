# rutter, and the data applications of two organisations in a namespace each.
#
# Users of one organisation cannot sign in to the applications of the other: each application is a client of its organisation
# at rutter. The first `terraform apply` installs rutter and creates the namespaces. Then register the applications, write
# their configuration to config/ORGANISATION/APPLICATION.yaml, as deploy/README.md explains, and apply again.

terraform {
  required_version = ">= 1.5"

  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.0"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 2.20"
    }
  }
}

provider "kubernetes" {
  config_path = var.kubeconfig
}

provider "helm" {
  kubernetes = {
    config_path = var.kubeconfig
  }
}

locals {
  # The organisations at rutter, and the applications of each.
  organisations = {
    statistics  = ["superset", "airflow", "jupyterhub", "clickhouse"]
    environment = ["superset", "jupyterhub"]
  }
}

resource "kubernetes_namespace_v1" "rutter" {
  metadata {
    name = "rutter"
  }
}

module "rutter" {
  source = "../../modules/rutter"

  namespace       = kubernetes_namespace_v1.rutter.metadata[0].name
  image           = var.image
  storage         = "external"
  replicas        = 2
  existing_secret = "rutter-environment"

  config = {
    RUTTER_PUBLIC_URL                       = "https://data.example.org"
    RUTTER_TRUSTED_PROXIES                  = jsonencode(["10.0.0.0/8"])
    RUTTER_STORE_URL                        = "s3://datasets"
    RUTTER_STORES__DEFAULT__ENDPOINT        = "http://garage.storage.svc:3900"
    RUTTER_STORES__DEFAULT__PUBLIC_ENDPOINT = "https://s3.example.org"
    RUTTER_STORES__DEFAULT__REGION          = "garage"
  }

  ingress = {
    class_name = "nginx"
    annotations = {
      "nginx.ingress.kubernetes.io/proxy-body-size"         = "0"
      "nginx.ingress.kubernetes.io/proxy-request-buffering" = "off"
    }
  }

  cert_manager = {
    email       = "admin@example.org"
    environment = "production"
  }
}

module "open_mds" {
  source   = "../../modules/open-mds"
  for_each = local.organisations

  namespace = each.key

  applications = {
    for name in each.value : name => {
      version = var.chart_versions[name]
      config  = file("${path.module}/config/${each.key}/${name}.yaml")
    } if fileexists("${path.module}/config/${each.key}/${name}.yaml")
  }

  client_secrets = try(var.client_secrets[each.key], {})
}

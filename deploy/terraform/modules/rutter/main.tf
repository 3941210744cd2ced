# A release of the chart deploy/helm/rutter.

locals {
  values = {
    config         = var.config
    configFile     = var.config_file
    existingSecret = var.existing_secret
    secretFiles    = var.secret_files
    storage        = var.storage
    replicas       = var.replicas
    image = {
      repository = var.image.repository
      tag        = var.image.tag
      digest     = var.image.digest
    }
    persistence = {
      size          = var.persistence.size
      storageClass  = var.persistence.storage_class
      existingClaim = var.persistence.existing_claim
    }
    ingress = {
      enabled           = var.ingress != null
      className         = try(var.ingress.class_name, "")
      annotations       = try(var.ingress.annotations, {})
      flightAnnotations = try(var.ingress.flight_annotations, {})
      tls               = try(var.ingress.tls, true)
      tlsSecret         = try(var.ingress.tls_secret, "")
      appsTlsSecret     = try(var.ingress.apps_tls_secret, "")
    }
    certManager = {
      enabled     = var.cert_manager != null
      email       = try(var.cert_manager.email, "")
      environment = try(var.cert_manager.environment, "staging")
      solvers     = [for solver in try(var.cert_manager.solvers, []) : yamldecode(solver)]
    }
    apps = {
      createNamespace = var.create_apps_namespace
    }
  }

  # Apart, so that plans show changes of the other values.
  secret_values = {
    secret = var.secret
  }
}

resource "helm_release" "rutter" {
  name      = var.name
  namespace = var.namespace
  chart     = coalesce(var.chart, "${path.module}/../../../helm/rutter")
  timeout   = var.timeout
  # An upgrade that fails is undone.
  atomic = true

  values = concat([yamlencode(local.values), yamlencode(local.secret_values)], var.values)
}

output "namespace" {
  description = "Name of the namespace."
  value       = kubernetes_namespace_v1.this.metadata[0].name
}

output "releases" {
  description = "Names of the releases, by application."
  value       = { for name, release in helm_release.application : name => release.name }
}

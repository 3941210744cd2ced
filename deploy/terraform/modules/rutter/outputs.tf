output "service" {
  description = "Name of the Service, in the namespace of the release."
  value       = strcontains(helm_release.rutter.name, "rutter") ? helm_release.rutter.name : "${helm_release.rutter.name}-rutter"
}

variable "kubeconfig" {
  description = "File with the address and credentials of the cluster."
  type        = string
  default     = "~/.kube/config"
}

variable "image" {
  description = "Image of rutter."
  type = object({
    repository = string
    tag        = optional(string, "")
    digest     = optional(string, "")
  })
}

variable "chart_versions" {
  description = "Versions of the charts, by application."
  type        = map(string)
}

variable "client_secrets" {
  description = "Secrets of the applications at rutter, by organisation and application."
  type        = map(map(string))
  default     = {}
  sensitive   = true
}

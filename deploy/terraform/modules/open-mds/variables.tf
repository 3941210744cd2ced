variable "namespace" {
  description = "Namespace of Kubernetes, of one organisation. This module creates it."
  type        = string
}

variable "labels" {
  description = "Labels of the namespace."
  type        = map(string)
  default     = {}
}

variable "applications" {
  description = "Applications to install: superset, airflow, jupyterhub, clickhouse. Each has the version of its chart, the file values.yaml that rutter generates as config, and more values as YAML documents, which override it."
  type = map(object({
    version = string
    config  = string
    values  = optional(list(string), [])
  }))

  validation {
    condition     = alltrue([for name in keys(var.applications) : contains(["superset", "airflow", "jupyterhub", "clickhouse"], name)])
    error_message = "The applications are superset, airflow, jupyterhub and clickhouse."
  }
}

variable "client_secrets" {
  description = "Secrets of the applications at rutter (rcs_…), by application. They are stored in the state of Terraform. Without one, the Secret APPLICATION-rutter-client with the key secret must exist in the namespace. ClickHouse has none."
  type        = map(string)
  default     = {}
  sensitive   = true
}

variable "timeout" {
  description = "Seconds to wait until all pods of an application are ready."
  type        = number
  default     = 900
}

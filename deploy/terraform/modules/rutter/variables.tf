variable "name" {
  description = "Name of the release."
  type        = string
  default     = "rutter"
}

variable "namespace" {
  description = "Namespace of the release. It must exist."
  type        = string
}

variable "chart" {
  description = "Folder or archive of the chart. Default: the one beside this module."
  type        = string
  default     = null
}

variable "image" {
  description = "Image of the server. A digest takes precedence over a tag; without both, the tag is the version of the chart."
  type = object({
    repository = string
    tag        = optional(string, "")
    digest     = optional(string, "")
  })
}

variable "config" {
  description = "Configuration of the server: environment variables by name, such as RUTTER_PUBLIC_URL. Lists are written as JSON, with jsonencode()."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.config) : can(regex("^RUTTER_[A-Z0-9_]+$", name))])
    error_message = "The names of config begin with RUTTER_."
  }
}

variable "config_file" {
  description = "Configuration file (TOML), for external identity providers and token issuers."
  type        = string
  default     = ""
}

variable "secret" {
  description = "Environment variables that must be secret. They are stored in the state of Terraform: existing_secret avoids that."
  type        = map(string)
  default     = {}
  sensitive   = true
}

variable "existing_secret" {
  description = "Name of an existing Secret with environment variables, in place of secret."
  type        = string
  default     = ""
}

variable "secret_files" {
  description = "Name of an existing Secret whose files are in /etc/rutter/secrets."
  type        = string
  default     = ""
}

variable "storage" {
  description = "Where the data is: volume (SQLite and a folder, one replica) or external (PostgreSQL and a bucket)."
  type        = string
  default     = "volume"

  validation {
    condition     = contains(["volume", "external"], var.storage)
    error_message = "The storage is volume or external."
  }
}

variable "replicas" {
  description = "Number of replicas; more than one only with external storage."
  type        = number
  default     = 1

  validation {
    condition     = var.replicas >= 1 && floor(var.replicas) == var.replicas
    error_message = "The number of replicas is a whole number of at least 1."
  }
}

variable "persistence" {
  description = "Volume of the storage \"volume\": its size and storage class, or the name of an existing claim."
  type = object({
    size           = optional(string, "100Gi")
    storage_class  = optional(string, "")
    existing_claim = optional(string, "")
  })
  default = {}
}

variable "ingress" {
  description = "Ingress for the hosts of RUTTER_PUBLIC_URL and RUTTER_APPS__URL; null for none."
  type = object({
    class_name         = optional(string, "")
    annotations        = optional(map(string), {})
    flight_annotations = optional(map(string), {})
    tls                = optional(bool, true)
    tls_secret         = optional(string, "")
    apps_tls_secret    = optional(string, "")
  })
  default = null
}

variable "cert_manager" {
  description = "Certificates of Let's Encrypt, staging or production, with an Issuer of cert-manager; null for none. Solvers are a list of YAML documents."
  type = object({
    email       = string
    environment = optional(string, "staging")
    solvers     = optional(list(string), [])
  })
  default = null
}

variable "create_apps_namespace" {
  description = "Create the namespace of apps, with the pod security standard restricted."
  type        = bool
  default     = false
}

variable "values" {
  description = "More values of the chart, as YAML documents; later ones override earlier ones."
  type        = list(string)
  default     = []
}

variable "timeout" {
  description = "Seconds to wait until all pods are ready."
  type        = number
  default     = 600
}

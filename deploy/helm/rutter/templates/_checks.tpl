{{/* Refuses values that contradict each other. Names and types are checked by values.schema.json. */}}
{{- define "rutter.checks" -}}
{{- $config := .Values.config }}
{{- range $name, $_ := $config }}
{{- if has $name (list "RUTTER_LISTEN" "RUTTER_DATA" "RUTTER_CACHE" "RUTTER_CONFIG") }}
{{- fail (printf "config.%s is set by the chart: remove it" $name) }}
{{- end }}
{{- if or (has $name (list "RUTTER_SECRET" "RUTTER_DATABASE_URL" "RUTTER_MAIL__URL")) (regexMatch "^RUTTER_STORES__.+__ENVIRONMENT" $name) }}
{{- fail (printf "config.%s contains credentials: move it to `secret` or `existingSecret`" $name) }}
{{- end }}
{{- if hasKey $.Values.secret $name }}
{{- fail (printf "%s is in `config` and in `secret`: remove one of them" $name) }}
{{- end }}
{{- end }}
{{- range $name, $_ := .Values.secret }}
{{- if has $name (list "RUTTER_LISTEN" "RUTTER_DATA" "RUTTER_CACHE" "RUTTER_CONFIG") }}
{{- fail (printf "secret.%s is set by the chart: remove it" $name) }}
{{- end }}
{{- end }}
{{- if and .Values.secret .Values.existingSecret }}
{{- fail "`secret` and `existingSecret` exclude each other: remove one of them" }}
{{- end }}

{{- if eq .Values.storage "volume" }}
{{- if ne (int .Values.replicas) 1 }}
{{- fail "`storage: volume` has exactly one replica: for more, use PostgreSQL, a bucket and `storage: external`" }}
{{- end }}
{{- else }}
{{- $bucket := or (get $config "RUTTER_STORE_URL") (get $config "RUTTER_STORES__DEFAULT__URL") | default "" }}
{{- if not (regexMatch "^(s3|gs|az)://" (toString $bucket)) }}
{{- fail "`storage: external` requires a bucket: set config.RUTTER_STORE_URL to s3://…, gs://… or az://…" }}
{{- end }}
{{- if not .Values.existingSecret }}
{{- if not (regexMatch "^postgres(ql)?://" (get .Values.secret "RUTTER_DATABASE_URL")) }}
{{- fail "`storage: external` requires PostgreSQL: set secret.RUTTER_DATABASE_URL to postgres://…, or existingSecret" }}
{{- end }}
{{- if not (get .Values.secret "RUTTER_SECRET") }}
{{- fail "`storage: external` requires secret.RUTTER_SECRET, or existingSecret: replicas must have the same secret" }}
{{- end }}
{{- end }}
{{- end }}

{{- $cache := include "rutter.bytes" (get $config "RUTTER_LIMITS__CACHE_BYTES" | default "16GiB") | float64 }}
{{- $results := include "rutter.bytes" (get $config "RUTTER_TABLES__CACHE_BYTES" | default "4GiB") | float64 }}
{{- $scratch := include "rutter.bytes" (get $config "RUTTER_TABLES__SCRATCH_BYTES" | default "10GiB") | float64 }}
{{- $engines := get $config "RUTTER_TABLES__ENGINES" | default 4 | float64 }}
{{- $needed := addf (mulf $cache 1.25) $results (mulf $scratch (addf $engines 1)) }}
{{- if lt (include "rutter.bytes" .Values.cache.sizeLimit | float64) $needed }}
{{- fail (printf "cache.sizeLimit must be at least %.0fMi, or Kubernetes evicts the pod: raise it, or lower config.RUTTER_LIMITS__CACHE_BYTES, RUTTER_TABLES__CACHE_BYTES, RUTTER_TABLES__SCRATCH_BYTES or RUTTER_TABLES__ENGINES" (divf $needed 1048576 | ceil)) }}
{{- end }}

{{- $backend := get $config "RUTTER_APPS__BACKEND" | default "none" }}
{{- if eq $backend "docker" }}
{{- fail "config.RUTTER_APPS__BACKEND: pods cannot use Docker Engine; use `kubernetes`" }}
{{- end }}
{{- if and (eq $backend "kubernetes") (eq (include "rutter.appsNamespace" .) .Release.Namespace) }}
{{- fail "config.RUTTER_APPS__KUBERNETES__NAMESPACE must be another namespace than that of the release: the server may read all Secrets there" }}
{{- end }}
{{- if and .Values.apps.createNamespace (ne $backend "kubernetes") }}
{{- fail "apps.createNamespace requires config.RUTTER_APPS__BACKEND=kubernetes" }}
{{- end }}

{{- if .Values.ingress.enabled }}
{{- $url := urlParse (get $config "RUTTER_PUBLIC_URL") }}
{{- if not $url.host }}
{{- fail "ingress.enabled requires config.RUTTER_PUBLIC_URL, such as https://data.example.org" }}
{{- end }}
{{- if trimSuffix "/" $url.path }}
{{- fail "ingress.enabled requires config.RUTTER_PUBLIC_URL without a path: an Ingress cannot remove it from requests" }}
{{- end }}
{{- end }}
{{- if .Values.certManager.enabled }}
{{- if not .Values.ingress.enabled }}
{{- fail "certManager.enabled requires ingress.enabled" }}
{{- end }}
{{- if not .Values.certManager.email }}
{{- fail "certManager.enabled requires certManager.email, for Let's Encrypt" }}
{{- end }}
{{- if and (eq (toString (get $config "RUTTER_APPS__WILDCARD")) "true") (not .Values.certManager.solvers) (not .Values.ingress.appsTlsSecret) }}
{{- fail "config.RUTTER_APPS__WILDCARD with certManager.enabled requires ingress.appsTlsSecret, or a DNS-01 solver in certManager.solvers: HTTP-01 cannot verify `*.` names" }}
{{- end }}
{{- end }}
{{- end }}

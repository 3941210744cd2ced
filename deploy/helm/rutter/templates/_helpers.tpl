{{- define "rutter.fullname" -}}
{{- if contains "rutter" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-rutter{{ end }}
{{- end }}

{{/* Immutable in a Deployment: they never change. */}}
{{- define "rutter.selector" -}}
app.kubernetes.io/name: rutter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rutter.labels" -}}
{{ include "rutter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "rutter.image" -}}
{{- with .Values.image }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Name of the Secret with environment variables; empty if there is none. */}}
{{- define "rutter.secret" -}}
{{- if .Values.existingSecret }}{{ .Values.existingSecret }}{{ else if .Values.secret }}{{ include "rutter.fullname" . }}{{ end }}
{{- end }}

{{- define "rutter.claim" -}}
{{ .Values.persistence.existingClaim | default (include "rutter.fullname" .) }}
{{- end }}

{{/* "true" with RUTTER_APPS__BACKEND=kubernetes. */}}
{{- define "rutter.kubernetes" -}}
{{- if eq (.Values.config.RUTTER_APPS__BACKEND | default "none") "kubernetes" }}true{{ end }}
{{- end }}

{{- define "rutter.appsNamespace" -}}
{{ .Values.config.RUTTER_APPS__KUBERNETES__NAMESPACE | default "rutter-apps" }}
{{- end }}

{{- define "rutter.serviceAccount" -}}
{{- if .Values.serviceAccount.name }}{{ .Values.serviceAccount.name }}{{ else if include "rutter.kubernetes" . }}{{ include "rutter.fullname" . }}{{ end }}
{{- end }}

{{/* The value of a variable: numbers without exponent, lists as JSON. */}}
{{- define "rutter.value" -}}
{{ if kindIs "string" . }}{{ . }}{{ else }}{{ toRawJson . }}{{ end }}
{{- end }}

{{- define "rutter.acme" -}}
{{- if eq . "production" }}https://acme-v02.api.letsencrypt.org/directory{{ else }}https://acme-staging-v02.api.letsencrypt.org/directory{{ end }}
{{- end }}

{{/* Annotations of an Ingress; empty if there are none. Arguments: root, secret: that of an existing certificate. */}}
{{- define "rutter.ingressAnnotations" -}}
{{- $annotations := deepCopy .root.Values.ingress.annotations }}
{{- if and .root.Values.certManager.enabled (not .secret) }}
{{- $_ := set $annotations "cert-manager.io/issuer" (include "rutter.fullname" .root) }}
{{- end }}
{{- with $annotations }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* One rule of an Ingress. Arguments: root, host, and the path, if it is not /. */}}
{{- define "rutter.ingressRule" -}}
- host: {{ .host | quote }}
  http:
    paths:
      - path: {{ .path | default "/" }}
        pathType: Prefix
        backend:
          service:
            name: {{ include "rutter.fullname" .root }}
            port:
              name: http
{{- end }}

{{/* A size in bytes, of the server (`16 GiB`, `10GB`) or of Kubernetes (`24Gi`, `5G`), or a number. 0 without a known unit. */}}
{{- define "rutter.bytes" -}}
{{- if kindIs "string" . }}
{{- $text := . | lower | nospace | trimSuffix "b" }}
{{- $unit := regexFind "[a-z]*$" $text }}
{{- $units := dict "" 1 "k" 1e3 "m" 1e6 "g" 1e9 "t" 1e12 "p" 1e15 "ki" 1024 "mi" 1048576 "gi" 1073741824 "ti" 1099511627776 "pi" 1125899906842624 }}
{{- mulf (float64 (trimSuffix $unit $text)) (get $units $unit | default 0) }}
{{- else }}
{{- float64 . }}
{{- end }}
{{- end }}

{{/* The name of every object: the release's, with the chart's in it once. */}}
{{- define "onepasswordbeat.name" -}}
{{- if contains "onepasswordbeat" .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-onepasswordbeat" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "onepasswordbeat.selector" -}}
app.kubernetes.io/name: onepasswordbeat
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "onepasswordbeat.labels" -}}
{{ include "onepasswordbeat.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "onepasswordbeat.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The Secret that holds the token. */}}
{{- define "onepasswordbeat.tokenSecret" -}}
{{- if and .Values.token.existingSecret .Values.token.value -}}
{{- fail "set token.existingSecret or token.value, not both" -}}
{{- else if .Values.token.existingSecret -}}
{{ .Values.token.existingSecret }}
{{- else if .Values.token.value -}}
{{ include "onepasswordbeat.name" . }}-token
{{- else -}}
{{- fail "token.existingSecret is required: the name of a Secret with the token of an Events Reporting integration" -}}
{{- end -}}
{{- end -}}

{{/* The configuration: what the chart writes, and what the user sets over it. */}}
{{- define "onepasswordbeat.config" -}}
{{- $input := dict "type" "onepassword" "id" .Values.input.id "token_file" "/run/secrets/onepasswordbeat/token" "shutdown_timeout" (printf "%ds" (int .Values.shutdownTimeoutSeconds)) -}}
{{- with .Values.input.url }}{{ $_ := set $input "url" . }}{{ end -}}
{{- $input = mergeOverwrite $input (deepCopy .Values.input.settings) -}}
{{- $output := dict "hosts" .Values.elasticsearch.hosts -}}
{{- if .Values.elasticsearch.existingSecret }}{{ $_ := set $output "api_key" "${ELASTICSEARCH_API_KEY}" }}{{ end -}}
{{- if .Values.elasticsearch.caSecret }}{{ $_ := set $output "ssl.certificate_authorities" (list "/run/secrets/elasticsearch/ca.crt") }}{{ end -}}
{{- $config := dict "onepasswordbeat.inputs" (list $input) "http.enabled" true "http.host" "0.0.0.0" "http.port" 5066 "path.logs" "/usr/share/onepasswordbeat/data/logs" -}}
{{- if eq .Values.state.backend "elasticsearch" }}{{ fail "state.backend: this version of the beat keeps its state in files, and a pod without a volume would lose it; use volume" }}{{ end -}}
{{- $other := false -}}
{{- range $key, $_ := .Values.config }}{{ if or (eq $key "output") (hasPrefix "output." $key) }}{{ $other = true }}{{ end }}{{ end -}}
{{- if not $other }}{{ $_ := set $config "output.elasticsearch" $output }}{{ end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end -}}

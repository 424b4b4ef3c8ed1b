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

{{/* What names the states of this release in Elasticsearch. */}}
{{- define "onepasswordbeat.stateID" -}}
{{- .Values.state.id | default (printf "%s.%s" .Release.Namespace (include "onepasswordbeat.name" .)) -}}
{{- end -}}

{{/* The claim with the cursors. */}}
{{- define "onepasswordbeat.claim" -}}
{{- .Values.state.existingClaim | default (include "onepasswordbeat.name" .) -}}
{{- end -}}

{{/* What every container of the pod has. */}}
{{- define "onepasswordbeat.container" -}}
image: {{ include "onepasswordbeat.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- if or .Values.elasticsearch.existingSecret .Values.extraEnv }}
env:
  {{- with .Values.elasticsearch }}
  {{- if .existingSecret }}
  - name: ELASTICSEARCH_API_KEY
    valueFrom:
      secretKeyRef:
        name: {{ .existingSecret }}
        key: {{ .key }}
  {{- end }}
  {{- end }}
  {{- with .Values.extraEnv }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}
resources: {{- toYaml .Values.resources | nindent 2 }}
{{- end -}}

{{/* The mounts of every container, but the data folder. */}}
{{- define "onepasswordbeat.mounts" -}}
- name: config
  mountPath: /usr/share/onepasswordbeat/onepasswordbeat.yml
  subPath: onepasswordbeat.yml
  readOnly: true
- name: token
  mountPath: /run/secrets/onepasswordbeat
  readOnly: true
{{- if .Values.elasticsearch.caSecret }}
- name: ca
  mountPath: /run/secrets/elasticsearch
  readOnly: true
{{- end }}
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
{{- $other := false -}}
{{- $elasticsearch := true -}}
{{- range $key, $value := .Values.config -}}
{{- if or (eq $key "output") (hasPrefix "output." $key) -}}
{{- $other = true -}}
{{- $elasticsearch = or (hasPrefix "output.elasticsearch" $key) (and (kindIs "map" $value) (hasKey $value "elasticsearch")) -}}
{{- end -}}
{{- end -}}
{{- if not $other }}{{ $_ := set $config "output.elasticsearch" $output }}{{ end -}}
{{- if or (eq .Values.state.backend "elasticsearch") .Values.state.move -}}
{{- $state := dict "backend" (eq .Values.state.backend "elasticsearch" | ternary "elasticsearch" "file") "id" (include "onepasswordbeat.stateID" .) "index" (.Values.state.index | default "onepasswordbeat-state") -}}
{{- with .Values.state.elasticsearch }}{{ $_ := set $state "elasticsearch" . }}{{ else }}{{ if not $elasticsearch }}{{ $_ := set $state "elasticsearch" $output }}{{ end }}{{ end -}}
{{- $_ := set $config "onepasswordbeat.state" $state -}}
{{- end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end -}}

{{- define "pigeonpost.fullname" -}}
{{- if contains "pigeonpost" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-pigeonpost" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "pigeonpost.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What selects the pods of a part; fixed for the life of a Deployment. Takes (list . "api"). */}}
{{- define "pigeonpost.selector" -}}
{{- $root := first . -}}
app.kubernetes.io/name: pigeonpost
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{- define "pigeonpost.labels" -}}
{{- $root := first . -}}
{{ include "pigeonpost.selector" . }}
app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{- define "pigeonpost.secretName" -}}
{{ required "secretName: name a Secret with database-url, admin-key and encryption-key" .Values.secretName }}
{{- end }}

{{/* What every pod has beside its containers. */}}
{{- define "pigeonpost.pod" -}}
# Nothing of ours calls Kubernetes, and variables for Services would look like settings.
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: secrets
    secret:
      secretName: {{ include "pigeonpost.secretName" . }}
      defaultMode: 0440
  - name: tmp
    emptyDir: { sizeLimit: 64Mi }
{{- end }}

{{/* What every container has. */}}
{{- define "pigeonpost.container" -}}
image: {{ include "pigeonpost.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: secrets, mountPath: /etc/pigeonpost, readOnly: true }
  - { name: tmp, mountPath: /tmp }
{{- end }}

{{/* The settings of API and workers. */}}
{{- define "pigeonpost.settings" -}}
- { name: DATABASE_URL_FILE, value: /etc/pigeonpost/database-url }
- { name: PIGEONPOST_ADMIN_KEY_FILE, value: /etc/pigeonpost/admin-key }
- { name: PIGEONPOST_ENCRYPTION_KEY_FILE, value: /etc/pigeonpost/encryption-key }
{{- with .Values.secretHas }}
{{- if .metricsKey }}
- { name: PIGEONPOST_METRICS_KEY_FILE, value: /etc/pigeonpost/metrics-key }
{{- end }}
{{- if .previousEncryptionKeys }}
- { name: PIGEONPOST_ENCRYPTION_KEY_PREVIOUS_FILE, value: /etc/pigeonpost/encryption-key-previous }
{{- end }}
{{- if .temporalApiKey }}
- { name: TEMPORAL_API_KEY_FILE, value: /etc/pigeonpost/temporal-api-key }
{{- end }}
{{- if .temporalClientCertificate }}
- { name: TEMPORAL_TLS_CLIENT_CERT_PATH, value: /etc/pigeonpost/temporal-client.crt }
- { name: TEMPORAL_TLS_CLIENT_KEY_PATH, value: /etc/pigeonpost/temporal-client.key }
{{- end }}
{{- if .temporalCa }}
- { name: TEMPORAL_TLS_SERVER_CA_CERT_PATH, value: /etc/pigeonpost/temporal-ca.crt }
{{- end }}
{{- if .smtpUrl }}
- { name: PIGEONPOST_SMTP_URL_FILE, value: /etc/pigeonpost/smtp-url }
- name: PIGEONPOST_MAIL_FROM
  value: {{ required "mail.from: set the sender of mails; secretHas.smtpUrl needs it" $.Values.mail.from | quote }}
{{- else if $.Values.mail.from }}
{{- fail "secretHas.smtpUrl: put smtp-url into the Secret and set this to true; mail.from needs it" }}
{{- end }}
{{- end }}
{{- include "pigeonpost.oidc" . }}
- name: TEMPORAL_ADDRESS
  value: {{ required "temporal.address: set host:port of the Temporal server" .Values.temporal.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ .Values.temporal.namespace | quote }}
{{- if .Values.temporal.tls }}
- { name: TEMPORAL_TLS, value: 'true' }
{{- end }}
{{- with .Values.temporal.serverName }}
- name: TEMPORAL_TLS_SERVER_NAME
  value: {{ . | quote }}
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* The build of the workers, where several may run beside each other. */}}
{{- define "pigeonpost.workerVersion" -}}
{{- with .Values.worker.versioning }}
{{- if .enabled }}
- name: PIGEONPOST_WORKER_DEPLOYMENT
  value: {{ .deployment | default (include "pigeonpost.fullname" $) | quote }}
- name: PIGEONPOST_WORKER_BUILD_ID
  value: {{ .buildId | default $.Values.image.tag | default $.Chart.AppVersion | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The settings of the sign-in with OpenID Connect. */}}
{{- define "pigeonpost.oidc" -}}
{{- with .Values.oidc }}
{{- if .issuer }}
- name: PIGEONPOST_OIDC_ISSUER
  value: {{ .issuer | quote }}
- name: PIGEONPOST_OIDC_CLIENT_ID
  value: {{ required "oidc.clientId: set the client id; oidc.issuer needs it" .clientId | quote }}
- name: PIGEONPOST_OIDC_ACCESS
  value: {{ required "oidc.access: set who may sign in; oidc.issuer needs it" .access | quote }}
{{- if $.Values.secretHas.oidcClientSecret }}
- { name: PIGEONPOST_OIDC_CLIENT_SECRET_FILE, value: /etc/pigeonpost/oidc-client-secret }
{{- end }}
{{- with .scopes }}
- name: PIGEONPOST_OIDC_SCOPES
  value: {{ . | quote }}
{{- end }}
{{- with .name }}
- name: PIGEONPOST_OIDC_NAME
  value: {{ . | quote }}
{{- end }}
{{- else if or .clientId .access .scopes .name $.Values.secretHas.oidcClientSecret }}
{{- fail "oidc.issuer: set the URL of the provider; the other values of oidc need it" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Where the pods of a part may be. Takes (list . "api"). */}}
{{- define "pigeonpost.placement" -}}
{{- $values := index (first .).Values (last .) -}}
# One machine that is lost takes as few as possible with it.
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ include "pigeonpost.selector" . | nindent 8 }}
{{- with $values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The probes, on the container's port `probes`. */}}
{{- define "pigeonpost.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: probes }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: probes }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
# It asks the database, and a worker's Temporal as well.
readinessProbe:
  httpGet: { path: /readyz, port: probes }
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}

// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The Helm chart and the manifest that is rendered from it.

package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const chart = "deploy/helm/onepasswordbeat"

// kubernetes are the oldest and the newest version that the chart supports.
var kubernetes = []string{"1.28", "1.37"}

func helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := try(t, root, absolute(t, filepath.Join(tools, "helm")), args...)
	require.NoError(t, err, "%s", out)
	return out
}

// python is a program of the environment that `mage test:packages` makes.
func python(t *testing.T, program string) string {
	t.Helper()
	path := filepath.Join(tools, "python", "bin", program)
	if _, err := os.Stat(path); err != nil {
		leaveOut(t, []string{"python3 with venv, for " + program})
	}
	return absolute(t, path)
}

// TestChart lints and renders the chart with each set of values, and has the schemas of Kubernetes judge the result.
func TestChart(t *testing.T) {
	sets, err := filepath.Glob("testdata/values/*.yaml")
	require.NoError(t, err)
	require.Len(t, sets, 6)
	for _, values := range sets {
		t.Run(strings.TrimSuffix(filepath.Base(values), ".yaml"), func(t *testing.T) {
			values := absolute(t, values)
			helm(t, "lint", "--strict", chart, "--values", values)
			for _, version := range kubernetes {
				rendered := helm(t, "template", "release", chart, "--namespace", "beats", "--kube-version", version, "--values", values)
				checkObjects(t, rendered)
				validate(t, rendered, version)
			}
		})
	}
	out, err := try(t, root, absolute(t, filepath.Join(tools, "helm")), "template", "release", chart, "--kube-version", "1.33")
	require.Error(t, err)
	assert.Contains(t, out, "token.existingSecret is required")
	out, err = try(t, root, absolute(t, filepath.Join(tools, "helm")), "template", "release", chart, "--kube-version", "1.33", "--set", "token.existingSecret=a,tokn=b")
	require.Error(t, err)
	assert.Contains(t, out, "tokn")
}

// TestChartWithStateInElasticsearch: no claim, a data folder that ends with the pod, and a state.id of the release.
func TestChartWithStateInElasticsearch(t *testing.T) {
	render := func(set ...string) (manifest string, pod podSpec, state map[string]any) {
		args := []string{"template", "release", chart, "--namespace", "beats", "--kube-version", "1.33", "--set", "token.existingSecret=a,elasticsearch.existingSecret=b"}
		for _, s := range set {
			args = append(args, "--set", s)
		}
		manifest = helm(t, args...)
		for decoder := yaml.NewDecoder(strings.NewReader(manifest)); ; {
			var o object
			if err := decoder.Decode(&o); err != nil {
				return manifest, pod, state
			}
			var settings struct {
				State map[string]any `yaml:"onepasswordbeat.state"`
			}
			require.NoError(t, yaml.Unmarshal([]byte(o.Data["onepasswordbeat.yml"]), &settings))
			if o.Kind == "ConfigMap" {
				state = settings.State
			}
			if o.Kind == "Deployment" {
				pod = o.Spec.Template.Spec
			}
		}
	}
	elastic, move := "state.backend=elasticsearch", "state.move=true"
	claim := func(name string) map[string]any { return map[string]any{"claimName": name} }

	_, pod, state := render()
	assert.Nil(t, state, "files are the beat's own default")
	assert.Equal(t, claim("release-onepasswordbeat"), pod.volume("data")["persistentVolumeClaim"])
	assert.Empty(t, pod.InitContainers)

	manifest, pod, state := render(elastic)
	assert.NotContains(t, manifest, "PersistentVolumeClaim")
	assert.Equal(t, map[string]any{"sizeLimit": "1Gi"}, pod.volume("data")["emptyDir"])
	assert.Equal(t, map[string]any{"backend": "elasticsearch", "id": "beats.release-onepasswordbeat", "index": "onepasswordbeat-state"}, state)

	_, pod, state = render(elastic, move, "state.id=production", "config.output\\.logstash.hosts={logstash:5044}")
	assert.Equal(t, map[string]any{
		"backend": "elasticsearch", "id": "production", "index": "onepasswordbeat-state",
		"elasticsearch": map[string]any{"hosts": []any{"https://elasticsearch:9200"}, "api_key": "${ELASTICSEARCH_API_KEY}"},
	}, state, "another output names no Elasticsearch")
	require.Len(t, pod.InitContainers, 1)
	assert.Equal(t, []string{"state", "move", "--to", "elasticsearch"}, pod.InitContainers[0].Args)
	assert.Equal(t, claim("release-onepasswordbeat"), pod.volume("moved")["persistentVolumeClaim"])
	assert.Contains(t, pod.InitContainers[0].VolumeMounts, map[string]any{"name": "moved", "mountPath": "/usr/share/onepasswordbeat/data"})

	_, pod, state = render(move, "state.existingClaim=cursors")
	assert.Equal(t, "file", state["backend"])
	require.Len(t, pod.InitContainers, 1)
	assert.Equal(t, []string{"state", "move", "--to", "file"}, pod.InitContainers[0].Args)
	assert.Equal(t, claim("cursors"), pod.volume("data")["persistentVolumeClaim"])
	assert.Contains(t, pod.InitContainers[0].VolumeMounts, map[string]any{"name": "data", "mountPath": "/usr/share/onepasswordbeat/data"})

	_, err := try(t, root, absolute(t, filepath.Join(tools, "helm")), "template", "release", chart, "--set", "token.existingSecret=a,state.id=a b")
	require.Error(t, err, "an id that the beat rejects")
}

// validate has the schemas of a version of Kubernetes judge what they know: the operator's PodMonitor is not theirs.
func validate(t *testing.T, manifest, version string) {
	t.Helper()
	var known []string
	for document := range strings.SplitSeq(manifest, "\n---\n") {
		if !strings.Contains(document, "kind: PodMonitor") {
			known = append(known, document)
		}
	}
	file := filepath.Join(t.TempDir(), "manifest.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(known, "\n---\n")), 0o600))
	run(t, "", python(t, "kubernetes-validate"), "--strict", "-k", version, file)
}

// object is what the tests look at of a Kubernetes object.
type object struct {
	Kind string
	Data map[string]string
	Spec struct {
		Replicas int
		Strategy struct{ Type string }
		Template struct {
			Spec podSpec
		}
	}
}

// podSpec is that of the Deployment.
type podSpec struct {
	TerminationGracePeriodSeconds int              `yaml:"terminationGracePeriodSeconds"`
	AutomountServiceAccountToken  *bool            `yaml:"automountServiceAccountToken"`
	SecurityContext               map[string]any   `yaml:"securityContext"`
	Volumes                       []map[string]any `yaml:"volumes"`
	InitContainers                []podContainer   `yaml:"initContainers"`
	Containers                    []podContainer   `yaml:"containers"`
}

type podContainer struct {
	Args            []string         `yaml:"args"`
	SecurityContext map[string]any   `yaml:"securityContext"`
	VolumeMounts    []map[string]any `yaml:"volumeMounts"`
}

// volume is one by its name; nil if there is none.
func (p podSpec) volume(name string) map[string]any {
	for _, v := range p.Volumes {
		if v["name"] == name {
			return v
		}
	}
	return nil
}

// checkObjects fails unless the pod is what the Pod Security standard "restricted" asks for, and alone.
func checkObjects(t *testing.T, manifest string) {
	t.Helper()
	deployments := 0
	for decoder := yaml.NewDecoder(strings.NewReader(manifest)); ; {
		var o object
		if err := decoder.Decode(&o); err != nil {
			break
		}
		if o.Kind != "Deployment" {
			continue
		}
		deployments++
		pod := o.Spec.Template.Spec
		assert.Equal(t, 1, o.Spec.Replicas)
		assert.Equal(t, "Recreate", o.Spec.Strategy.Type)
		assert.GreaterOrEqual(t, pod.TerminationGracePeriodSeconds, 20)
		require.NotNil(t, pod.AutomountServiceAccountToken)
		assert.False(t, *pod.AutomountServiceAccountToken)
		assert.Equal(t, map[string]any{
			"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
			"fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": map[string]any{"type": "RuntimeDefault"},
		}, pod.SecurityContext)
		require.Len(t, pod.Containers, 1)
		for _, c := range append(pod.InitContainers, pod.Containers...) {
			assert.Equal(t, map[string]any{
				"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": map[string]any{"drop": []any{"ALL"}},
			}, c.SecurityContext)
		}
		for _, v := range pod.Volumes {
			if secret, ok := v["secret"].(map[string]any); ok {
				assert.Equal(t, 0o440, secret["defaultMode"], v["name"])
			}
		}
	}
	assert.Equal(t, 1, deployments)
}

// TestManifestEqualsTheRenderedChart, and is valid. `go tool mage package:manifest` writes it anew.
func TestManifestEqualsTheRenderedChart(t *testing.T) {
	committed, err := os.ReadFile(filepath.Join(root, "deploy/kubernetes/onepasswordbeat.yaml"))
	require.NoError(t, err)
	_, body, found := strings.Cut(string(committed), "\n")
	require.True(t, found)
	assert.Equal(t, helm(t, "template", "onepasswordbeat", chart, "--namespace", "onepasswordbeat", "--kube-version", "1.33",
		"--values", "deploy/kubernetes/values.yaml"), body)
	for _, version := range kubernetes {
		validate(t, body, version)
	}
}

// TestChartHasTheVersionOfTheBeat also in the archive, which Helm can read.
func TestChartHasTheVersionOfTheBeat(t *testing.T) {
	for _, path := range []string{chart, artefact(t, "onepasswordbeat-"+version(t)+".tgz")} {
		shown := helm(t, "show", "chart", path)
		assert.Contains(t, shown, "\nversion: "+version(t)+"\n")
		assert.Contains(t, shown, "appVersion: "+version(t)+"\n")
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// kind is [resource, namespaced, [subresource, ...]] and, where this version of Kubernetes does not serve it, false.
type kind []any

// gone are kinds whose types are no longer in Kubernetes either.
var gone = map[string]map[string]kind{
	"autoscaling/v2beta1":      {"HorizontalPodAutoscaler": {"horizontalpodautoscalers", true, []string{"status"}, false}},
	"autoscaling/v2beta2":      {"HorizontalPodAutoscaler": {"horizontalpodautoscalers", true, []string{"status"}, false}},
	"extensions/v1beta1":       {"PodSecurityPolicy": {"podsecuritypolicies", false, []string{}, false}},
	"policy/v1beta1":           {"PodSecurityPolicy": {"podsecuritypolicies", false, []string{}, false}},
	"settings.k8s.io/v1alpha1": {"PodPreset": {"podpresets", true, []string{}, false}},
}

// table is group/version -> kind -> what is known of it.
type table map[string]map[string]kind

func (t table) add(groupVersion, name string, k kind) {
	if t[groupVersion] == nil {
		t[groupVersion] = map[string]kind{}
	}
	if _, known := t[groupVersion][name]; !known {
		t[groupVersion][name] = k
	}
}

// kinds lists what discovery tells of a cluster with every version enabled, then the versions that no cluster serves any more.
func kinds() (table, error) {
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes").Output()
	if err != nil {
		return nil, fmt.Errorf("where is the module of Kubernetes? %w", err)
	}
	discovery := filepath.Join(strings.TrimSpace(string(folder)), "api", "discovery")
	result := table{}
	if err := result.addCore(filepath.Join(discovery, "api__v1.json")); err != nil {
		return nil, err
	}
	if err := result.addGroups(filepath.Join(discovery, "aggregated_v2.json")); err != nil {
		return nil, err
	}
	namespaced := map[string]bool{}
	for _, kinds := range result {
		for name, k := range kinds {
			namespaced[name] = k[1].(bool)
		}
	}
	for gvk := range legacyscheme.Scheme.AllKnownTypes() {
		if isNamespaced, known := namespaced[gvk.Kind]; known && gvk.Version != "__internal" {
			plural, _ := meta.UnsafeGuessKindToResource(gvk)
			result.add(gvk.GroupVersion().String(), gvk.Kind, kind{plural.Resource, isNamespaced, []string{}, false})
		}
	}
	for groupVersion, kinds := range gone {
		for name, k := range kinds {
			result.add(groupVersion, name, k)
		}
	}
	return result, nil
}

// addCore reads the core group, for which there is the older form of discovery alone.
func (t table) addCore(path string) error {
	var list metav1.APIResourceList
	if err := readJSON(path, &list); err != nil {
		return err
	}
	subresources := map[string][]string{}
	for _, resource := range list.APIResources {
		if name, sub, isSub := strings.Cut(resource.Name, "/"); isSub {
			subresources[name] = append(subresources[name], sub)
		}
	}
	for _, resource := range list.APIResources {
		if !strings.Contains(resource.Name, "/") {
			subs := append([]string{}, subresources[resource.Name]...)
			t.add(list.GroupVersion, resource.Kind, kind{resource.Name, resource.Namespaced, subs})
		}
	}
	return nil
}

func (t table) addGroups(path string) error {
	var list apidiscovery.APIGroupDiscoveryList
	if err := readJSON(path, &list); err != nil {
		return err
	}
	for _, group := range list.Items {
		for _, version := range group.Versions {
			groupVersion := schema.GroupVersion{Group: group.Name, Version: version.Version}.String()
			for _, resource := range version.Resources {
				subs := []string{}
				for _, sub := range resource.Subresources {
					subs = append(subs, sub.Subresource)
				}
				isNamespaced := resource.Scope == apidiscovery.ScopeNamespace
				t.add(groupVersion, resource.ResponseKind.Kind, kind{resource.Resource, isNamespaced, subs})
			}
		}
	}
	return nil
}

func readJSON(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

package main

import (
	"bufio"
	"encoding/json"
	"io"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// admitted is an object as validating admission sees it: decoded with defaults into its version, then converted to the form the
// API server works with, and back.
func admitted(raw []byte) (map[string]any, error) {
	object, gvk, err := legacyscheme.Codecs.UniversalDeserializer().Decode(raw, nil, nil)
	if err != nil {
		return nil, err
	}
	legacyscheme.Scheme.Default(object)
	return asSeen(object, gvk.GroupVersion())
}

func asSeen(object runtime.Object, version schema.GroupVersion) (map[string]any, error) {
	internal, err := legacyscheme.Scheme.ConvertToVersion(object, schema.GroupVersion{Group: version.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return nil, err
	}
	external, err := legacyscheme.Scheme.ConvertToVersion(internal, version)
	if err != nil {
		return nil, err
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(external)
}

func serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		object, err := admitted(lines.Bytes())
		answer := map[string]any{"object": object}
		if err != nil {
			answer["error"] = err.Error()
		}
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

// decoded is an object before and after its defaults are set.
func decoded(raw []byte) (before, after map[string]any, err error) {
	object, _, err := legacyscheme.Codecs.UniversalDeserializer().Decode(raw, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	if before, err = runtime.DefaultUnstructuredConverter.ToUnstructured(object); err != nil {
		return nil, nil, err
	}
	legacyscheme.Scheme.Default(object)
	after, err = runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	return before, after, err
}

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	corev1 "k8s.io/api/core/v1"
)

// catalogue is every kind with the name of its type, every type, and the defaults that only some kinds have: path -> value.
type catalogue struct {
	Kinds      map[string]map[string]string         `json:"kinds"`
	Types      map[string]*structType               `json:"types"`
	Exceptions map[string]map[string]map[string]any `json:"exceptions"`

	found []occurrence
}

// occurrence is what defaulting sets in one struct of one kind.
type occurrence struct {
	gvk      schema.GroupVersionKind
	path     []step
	typeName string
	defaults map[string]any
}

// structType is one struct. A field is written as flags and a type:
//
//	~  is left out when it is empty
//	*  may be absent, which is not the same as zero
//	[]T a list   {}T a map   string, bytes (in base64), int, number, bool   quantity, milli (a quantity rounded up to thousandths)
//	any: encoded in its own way; what an empty one is encoded to follows: any(null)
//	anything else is the name of a struct
//
// Defaults holds the fields that defaulting sets, wherever the struct stands, when it says nothing.
type structType struct {
	Fields   map[string]string `json:"fields"`
	Defaults map[string]any    `json:"defaults,omitempty"`
}

var marshaler = reflect.TypeFor[json.Marshaler]()

func types() (*catalogue, error) {
	result := &catalogue{
		Kinds: map[string]map[string]string{}, Types: map[string]*structType{}, Exceptions: map[string]map[string]map[string]any{},
	}
	served, err := kinds()
	if err != nil {
		return nil, err
	}
	known := legacyscheme.Scheme.AllKnownTypes()
	gvks := slices.SortedFunc(maps.Keys(known), func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
	for _, gvk := range gvks {
		goType := known[gvk]
		groupVersion := gvk.GroupVersion().String()
		description, known := served[groupVersion][gvk.Kind]
		if !known || len(description) == 4 || goType.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1" {
			continue
		}
		if result.Kinds[groupVersion] == nil {
			result.Kinds[groupVersion] = map[string]string{}
		}
		result.Kinds[groupVersion][gvk.Kind] = result.structName(goType)
		if err := result.probe(gvk, goType); err != nil {
			return nil, fmt.Errorf("%v: %w", gvk, err)
		}
	}
	result.settle()
	return result, nil
}

// settle keeps as a default of a type what every occurrence has, and the rest as exceptions of kinds.
func (c *catalogue) settle() {
	common := map[string]map[string]any{}
	for _, o := range c.found {
		shared, seen := common[o.typeName]
		if !seen {
			common[o.typeName] = maps.Clone(o.defaults)
			continue
		}
		maps.DeleteFunc(shared, func(name string, value any) bool { return !reflect.DeepEqual(o.defaults[name], value) })
	}
	for name, shared := range common {
		c.Types[name].Defaults = shared
	}
	for _, o := range c.found {
		for name, value := range o.defaults {
			if _, shared := common[o.typeName][name]; !shared {
				c.except(o, name, value)
			}
		}
	}
}

func (c *catalogue) except(o occurrence, name string, value any) {
	path := ""
	for _, s := range o.path {
		path += s.field + map[string]string{"list": "[]", "map": "{}"}[s.held] + "."
	}
	groupVersion := o.gvk.GroupVersion().String()
	if c.Exceptions[groupVersion] == nil {
		c.Exceptions[groupVersion] = map[string]map[string]any{}
	}
	if c.Exceptions[groupVersion][o.gvk.Kind] == nil {
		c.Exceptions[groupVersion][o.gvk.Kind] = map[string]any{}
	}
	c.Exceptions[groupVersion][o.gvk.Kind][path+name] = value
}

func (c *catalogue) structName(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	name := strings.Join(parts[max(0, len(parts)-2):], "/") + "." + t.Name()
	if _, known := c.Types[name]; !known {
		described := &structType{Fields: map[string]string{}, Defaults: map[string]any{}}
		c.Types[name] = described
		c.addFields(described, t)
	}
	return name
}

func (c *catalogue) addFields(described *structType, t reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" && (field.Anonymous || strings.Contains(options, "inline")) {
			c.addFields(described, field.Type)
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		flag := ""
		omitted := strings.Contains(options, "omitempty") && field.Type.Kind() != reflect.Struct // an empty struct is not "empty"
		if omitted || strings.Contains(options, "omitzero") {
			flag = "~"
		}
		described.Fields[name] = flag + c.typeName(field.Type)
	}
}

func (c *catalogue) typeName(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return "*" + c.typeName(t.Elem())
	case t == reflect.TypeFor[resource.Quantity]():
		return "quantity"
	case t == reflect.TypeFor[corev1.ResourceList]():
		return "{}milli"
	case t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler):
		zero, err := json.Marshal(reflect.New(t).Interface())
		if err != nil {
			zero = []byte("null")
		}
		return "any(" + string(zero) + ")"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + c.typeName(t.Elem())
	case reflect.Map:
		return "{}" + c.typeName(t.Elem())
	case reflect.Struct:
		return c.structName(t)
	case reflect.Interface:
		return "any(null)"
	}
	return "int"
}

// probe finds the defaults of every struct within a kind: it builds objects that reach to a struct and say nothing in it,
// and looks at what defaulting put there.
func (c *catalogue) probe(gvk schema.GroupVersionKind, t reflect.Type) error {
	return c.probeStruct(gvk, t, nil, map[reflect.Type]bool{})
}

// step is one field on the way from an object to a struct in it, and what holds the struct there.
type step struct {
	field string
	held  string // "", "list" or "map"
}

func (c *catalogue) probeStruct(gvk schema.GroupVersionKind, t reflect.Type, path []step, above map[reflect.Type]bool) error {
	if above[t] || t == reflect.TypeFor[metav1.ObjectMeta]() {
		return nil
	}
	above[t] = true
	defer delete(above, t)
	if err := c.recordDefaults(gvk, t, path); err != nil {
		return err
	}
	return eachField(t, func(name string, field reflect.Type) error {
		held := ""
		if field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		switch field.Kind() {
		case reflect.Slice:
			field, held = field.Elem(), "list"
		case reflect.Map:
			field, held = field.Elem(), "map"
		}
		if field.Kind() != reflect.Struct || field.Implements(marshaler) || reflect.PointerTo(field).Implements(marshaler) {
			return nil
		}
		return c.probeStruct(gvk, field, append(path[:len(path):len(path)], step{name, held}), above)
	})
}

func eachField(t reflect.Type, visit func(name string, field reflect.Type) error) error {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		var err error
		if name == "" && (field.Anonymous || strings.Contains(options, "inline")) {
			err = eachField(field.Type, visit)
		} else if name != "" && name != "-" {
			err = visit(name, field.Type)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *catalogue) recordDefaults(gvk schema.GroupVersionKind, t reflect.Type, path []step) error {
	object := map[string]any{"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind}
	reach(object, path)
	raw, err := json.Marshal(object)
	if err != nil {
		return err
	}
	before, after, err := decoded(raw)
	if err != nil {
		return nil // a struct that cannot be empty has no defaults
	}
	found, _ := at(after, path).(map[string]any)
	plain, _ := at(before, path).(map[string]any)
	name := c.structName(t)
	defaults := map[string]any{}
	for field, value := range found {
		_, isStruct := c.Types[strings.TrimLeft(c.Types[name].Fields[field], "~")]
		if !isStruct && !reflect.DeepEqual(value, plain[field]) && !isTime(value) {
			defaults[field] = value
		}
	}
	c.found = append(c.found, occurrence{gvk, path, name, defaults})
	return nil
}

// isTime tells the defaults that are the current time.
func isTime(value any) bool {
	text, _ := value.(string)
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

func reach(object map[string]any, path []step) {
	for _, s := range path {
		inner := map[string]any{}
		switch s.held {
		case "list":
			object[s.field] = []any{inner}
		case "map":
			object[s.field] = map[string]any{"key": inner}
		default:
			object[s.field] = inner
		}
		object = inner
	}
}

func at(value any, path []step) any {
	for _, s := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[s.field]
		switch held := value.(type) {
		case []any:
			if len(held) != 1 {
				return nil
			}
			value = held[0]
		case map[string]any:
			if s.held == "map" {
				value = held["key"]
			}
		}
	}
	return value
}

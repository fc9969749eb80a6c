package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"k8s.io/apimachinery/pkg/api/resource"
	apiservercel "k8s.io/apiserver/pkg/cel"
)

// A CEL value on the wire is a list: its kind, then what it holds. Numbers are text, so that no JSON library rounds them.
//
//	["int","1"] ["uint","1"] ["double","1.5"] ["string","a"] ["bytes","<base64>"] ["bool",true] ["null"]
//	["list",[...]] ["map",[[key,value],...]] ["type","int"] ["optional"] ["optional",value]
//	["timestamp","2009-02-13T23:31:30Z"] ["duration","1.5s"]
//	["net.IP",text] ["net.CIDR",text] ["kubernetes.URL",text] ["kubernetes.Quantity",text] ["kubernetes.Semver",text]
//
// Any other value is ["object", type name].

func encode(value ref.Val) any {
	switch v := value.(type) {
	case types.Bool:
		return []any{"bool", bool(v)}
	case types.Int:
		return []any{"int", strconv.FormatInt(int64(v), 10)}
	case types.Uint:
		return []any{"uint", strconv.FormatUint(uint64(v), 10)}
	case types.Double:
		return []any{"double", formatDouble(float64(v))}
	case types.String:
		return []any{"string", string(v)}
	case types.Bytes:
		return []any{"bytes", base64.StdEncoding.EncodeToString(v)}
	case types.Null:
		return []any{"null"}
	case types.Timestamp:
		return []any{"timestamp", v.Time.UTC().Format(time.RFC3339Nano)}
	case types.Duration:
		return []any{"duration", strconv.FormatFloat(v.Seconds(), 'f', -1, 64) + "s"}
	case *types.Type:
		return []any{"type", v.TypeName()}
	case *types.Optional:
		if !v.HasValue() {
			return []any{"optional"}
		}
		return []any{"optional", encode(v.GetValue())}
	case *types.Err:
		return []any{"error", v.Error()}
	case *types.Unknown:
		return []any{"unknown"}
	case traits.Lister:
		return []any{"list", encodeList(v)}
	case traits.Mapper:
		return []any{"map", encodeMap(v)}
	}
	return encodeKubernetes(value)
}

func encodeKubernetes(value ref.Val) any {
	switch v := value.(type) {
	case apiservercel.IP:
		return []any{"net.IP", v.Addr.String()}
	case apiservercel.CIDR:
		return []any{"net.CIDR", v.Prefix.String()}
	case apiservercel.URL:
		return []any{"kubernetes.URL", v.URL.String()}
	case apiservercel.Quantity:
		return []any{"kubernetes.Quantity", quantityText(v.Quantity)}
	case *apiservercel.Quantity: // what add and sub give
		return []any{"kubernetes.Quantity", quantityText(v.Quantity)}
	case apiservercel.Semver:
		return []any{"kubernetes.Semver", v.Version.String()}
	}
	return []any{"object", value.Type().TypeName()}
}

// quantityText is the quantity's exact decimal value: its own text depends on how it was computed.
func quantityText(q *resource.Quantity) string {
	return q.AsDec().String()
}

func encodeList(list traits.Lister) []any {
	size := int64(list.Size().(types.Int))
	items := make([]any, 0, size)
	for i := int64(0); i < size; i++ {
		items = append(items, encode(list.Get(types.Int(i))))
	}
	return items
}

// encodeMap sorts by key: the order of a CEL map is undefined.
func encodeMap(mapper traits.Mapper) []any {
	type entry struct {
		key  string
		pair []any
	}
	var entries []entry
	for it := mapper.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		encoded := encode(key)
		text, _ := json.Marshal(encoded)
		entries = append(entries, entry{string(text), []any{encoded, encode(mapper.Get(key))}})
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].key < entries[j].key })
	pairs := make([]any, 0, len(entries))
	for _, e := range entries {
		pairs = append(pairs, e.pair)
	}
	return pairs
}

// formatDouble writes the shortest text that reads back as the same number, in the form of Python's repr.
func formatDouble(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// decode reads a CEL value from the wire.
func decode(raw any) (ref.Val, error) {
	parts, ok := raw.([]any)
	if !ok || len(parts) == 0 {
		return nil, fmt.Errorf("a value is a list with its kind first, not %v", raw)
	}
	kind, _ := parts[0].(string)
	if len(parts) == 1 {
		switch kind {
		case "null":
			return types.NullValue, nil
		case "optional":
			return types.OptionalNone, nil
		}
		return nil, fmt.Errorf("a value of kind %q holds something", kind)
	}
	switch held := parts[1].(type) {
	case bool:
		return types.Bool(held), nil
	case string:
		return decodeText(kind, held)
	case []any:
		return decodeCollection(kind, held)
	}
	return nil, fmt.Errorf("a value of kind %q does not hold %v", kind, parts[1])
}

func decodeText(kind, text string) (ref.Val, error) {
	switch kind {
	case "string":
		return types.String(text), nil
	case "int":
		n, err := strconv.ParseInt(text, 10, 64)
		return types.Int(n), err
	case "uint":
		n, err := strconv.ParseUint(text, 10, 64)
		return types.Uint(n), err
	case "double":
		f, err := strconv.ParseFloat(text, 64)
		return types.Double(f), err
	case "bytes":
		b, err := base64.StdEncoding.DecodeString(text)
		return types.Bytes(b), err
	case "timestamp":
		t, err := time.Parse(time.RFC3339Nano, text)
		return types.Timestamp{Time: t}, err
	case "duration":
		d, err := time.ParseDuration(text)
		return types.Duration{Duration: d}, err
	}
	return nil, fmt.Errorf("no value of kind %q can be given", kind)
}

func decodeCollection(kind string, held []any) (ref.Val, error) {
	switch kind {
	case "optional":
		value, err := decode(held)
		if err != nil {
			return nil, err
		}
		return types.OptionalOf(value), nil
	case "list":
		items := make([]ref.Val, 0, len(held))
		for _, raw := range held {
			item, err := decode(raw)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return types.NewRefValList(types.DefaultTypeAdapter, items), nil
	case "map":
		return decodeMap(held)
	}
	return nil, fmt.Errorf("no value of kind %q can be given", kind)
}

func decodeMap(held []any) (ref.Val, error) {
	entries := make(map[ref.Val]ref.Val, len(held))
	for _, raw := range held {
		pair, ok := raw.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("an entry of a map is a key and a value, not %v", raw)
		}
		key, err := decode(pair[0])
		if err != nil {
			return nil, err
		}
		if entries[key], err = decode(pair[1]); err != nil {
			return nil, err
		}
	}
	return types.NewRefValMap(types.DefaultTypeAdapter, entries), nil
}

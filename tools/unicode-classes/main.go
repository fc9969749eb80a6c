// Command unicode-classes writes the character classes of Go's regular expressions as JSON.
//
//	go run tools/unicode-classes/main.go > policykit/cel/regex/unicode.json
//
// Go's tables decide what \pL or \p{Greek} matches in a Kubernetes API server. A class is a list of numbers that add up: from
// zero, the distance to the first code point of a range, then to its last, then to the first of the next range, and so on.
// "folds" lists, in the same manner, groups of code points that (?i) takes for the same, each preceded by its size.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strings"
	"unicode"
)

func main() {
	classes := map[string][]int{}
	for name, table := range unicode.Scripts {
		classes[canonical(name)] = ranges(table)
	}
	for name, table := range unicode.Categories {
		classes[canonical(name)] = ranges(table)
	}
	aliases := map[string]string{}
	for name, category := range unicode.CategoryAliases {
		if _, taken := classes[canonical(name)]; !taken {
			aliases[canonical(name)] = canonical(category)
		}
	}
	err := json.NewEncoder(os.Stdout).Encode(map[string]any{
		"unicode": unicode.Version, "classes": classes, "aliases": aliases, "folds": folds(),
	})
	if err != nil {
		log.Fatal(err)
	}
}

// canonical is the form in which names are looked up: case, spaces, hyphens and underscores do not count.
func canonical(name string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(name))
}

func ranges(table *unicode.RangeTable) []int {
	var deltas []int
	last, from := 0, -1
	for c := 0; c <= unicode.MaxRune+1; c++ {
		in := c <= unicode.MaxRune && unicode.Is(table, rune(c))
		if in && from < 0 {
			from = c
		}
		if !in && from >= 0 {
			deltas = append(deltas, from-last, c-1-from)
			last, from = c-1, -1
		}
	}
	return deltas
}

func folds() []int {
	var deltas []int
	last := 0
	for c := rune(0); c <= unicode.MaxRune; c++ {
		orbit := []rune{c}
		for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
			orbit = append(orbit, f)
		}
		if len(orbit) == 1 || orbit[1] < c || orbit[len(orbit)-1] < c {
			continue
		}
		deltas = append(deltas, len(orbit))
		for _, f := range orbit {
			deltas = append(deltas, int(f)-last)
			last = int(f)
		}
	}
	return deltas
}

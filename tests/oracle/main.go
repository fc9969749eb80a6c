// Command oracle turns lines of JSON into what the Kubernetes API server answers to them.
//
// Each line of standard input is one question, each line of standard output the answer to it, in order.
// A question with "expr" is a CEL expression (see expression.go), one with "policy" is the spec of a
// ValidatingAdmissionPolicy with the objects to judge (see policy.go). Everything is compiled and evaluated
// by k8s.io/apiserver; this program only carries values in and out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// maxLine bounds one question; the API server itself refuses requests above 3 MiB.
const maxLine = 64 << 20

type answer map[string]any

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<20), maxLine)
	writer := bufio.NewWriter(out)
	defer writer.Flush()
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		if err := encoder.Encode(reply(lines.Bytes())); err != nil {
			return err
		}
		// A caller that asks one question at a time waits for this answer.
		if err := writer.Flush(); err != nil {
			return err
		}
	}
	return lines.Err()
}

// reply answers one line; a panic inside the libraries becomes an answer, so that one bad question does not end a batch.
func reply(line []byte) (result answer) {
	var question struct {
		ID     any             `json:"id"`
		Expr   *string         `json:"expr"`
		Policy json.RawMessage `json:"policy"`
	}
	defer func() {
		if cause := recover(); cause != nil {
			result = answer{"panic": fmt.Sprint(cause)}
		}
		if question.ID != nil {
			result["id"] = question.ID
		}
	}()
	if err := json.Unmarshal(line, &question); err != nil {
		return answer{"bad_question": err.Error()}
	}
	var err error
	switch {
	case question.Expr != nil:
		result, err = answerExpression(line)
	case question.Policy != nil:
		result, err = answerPolicy(line)
	default:
		err = fmt.Errorf(`neither "expr" nor "policy"`)
	}
	if err != nil {
		return answer{"bad_question": err.Error()}
	}
	return result
}

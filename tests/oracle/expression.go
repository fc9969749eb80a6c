package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/google/cel-go/cel"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

// evaluationTimeout is what the API server gives a request; the cost limit stops an expression long before.
const evaluationTimeout = 30 * time.Second

// expressionQuestion asks for one expression.
//
// Every name in Bind (JSON as an object of Kubernetes would be read) and Typed (values on the wire, see values.go) is a
// variable of type dyn, unless Variables declares it. A declared type is "int", "uint", "double", "string", "bytes", "bool", "null",
// "timestamp", "duration", "dyn", "any", ["list",T], ["map",K,V], or the name of an object type out of Types
// (name -> field -> type). Admission adds the variables of a ValidatingAdmissionPolicy with their types, params and authorizer included.
type expressionQuestion struct {
	Expr      string                    `json:"expr"`
	Version   string                    `json:"version"`
	Bind      json.RawMessage           `json:"bind"`
	Typed     map[string]any            `json:"typed"`
	Variables map[string]any            `json:"variables"`
	Types     map[string]map[string]any `json:"types"`
	Admission bool                      `json:"admission"`
}

// environments keeps what was built: extending an environment costs far more than compiling an expression in it.
var environments = map[string]*cel.Env{}

func answerExpression(line []byte) (answer, error) {
	var question expressionQuestion
	if err := json.Unmarshal(line, &question); err != nil {
		return nil, err
	}
	bindings, err := question.bindings()
	if err != nil {
		return nil, err
	}
	env, err := question.environment(bindings)
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(question.Expr)
	if issues != nil && issues.Err() != nil {
		return answer{"compile_error": issues.String()}, nil
	}
	result := answer{"type": ast.OutputType().String()}
	program, err := env.Program(ast)
	if err != nil {
		result["compile_error"] = "program instantiation failed: " + err.Error()
		return result, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), evaluationTimeout)
	defer cancel()
	value, details, err := program.ContextEval(ctx, bindings)
	if details != nil && details.ActualCost() != nil {
		result["cost"] = *details.ActualCost()
	}
	if err != nil {
		result["error"] = err.Error()
	} else {
		result["value"] = encode(value)
	}
	return result, nil
}

func (q *expressionQuestion) bindings() (map[string]any, error) {
	bindings := map[string]any{}
	if len(q.Bind) > 0 {
		// The decoder of the API server: a number without a fraction is an int64.
		if err := kjson.Unmarshal(q.Bind, &bindings); err != nil {
			return nil, err
		}
	}
	for name, raw := range q.Typed {
		value, err := decode(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		bindings[name] = value
	}
	return bindings, nil
}

func (q *expressionQuestion) environment(bindings map[string]any) (*cel.Env, error) {
	declared := map[string]any{}
	for name := range bindings {
		declared[name] = "dyn"
	}
	for name, declaration := range q.Variables {
		declared[name] = declaration
	}
	key, err := json.Marshal([]any{q.Version, q.Admission, declared, q.Types})
	if err != nil {
		return nil, err
	}
	if env, ok := environments[string(key)]; ok {
		return env, nil
	}
	env, err := q.build(declared)
	if err == nil {
		environments[string(key)] = env
	}
	return env, err
}

func (q *expressionQuestion) build(declared map[string]any) (*cel.Env, error) {
	base, err := baseEnvironment(q.Version)
	if err != nil {
		return nil, err
	}
	options := environment.VersionedOptions{IntroducedVersion: version.MajorMinor(1, 0)}
	if q.Admission {
		addAdmission(&options, declared)
	}
	objects, err := q.objectTypes()
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		options.DeclTypes = append(options.DeclTypes, object)
	}
	for name, declaration := range declared {
		declType, err := declaredType(declaration, objects)
		if err != nil {
			return nil, err
		}
		options.EnvOptions = append(options.EnvOptions, cel.Variable(name, declType.CelType()))
	}
	extended, err := base.Extend(options, environment.StrictCostOpt)
	if err != nil {
		return nil, err
	}
	return extended.NewExpressionsEnv(), nil
}

// baseEnvironment is the environment that a new expression meets in that version of Kubernetes ("1.36").
func baseEnvironment(text string) (*environment.EnvSet, error) {
	if text == "" {
		return environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()), nil
	}
	parsed, err := version.ParseMajorMinor(text)
	if err != nil {
		return nil, err
	}
	return environment.MustBaseEnvSet(parsed), nil
}

// addAdmission declares what k8s.io/apiserver/pkg/admission/plugin/cel declares, unless the question does so itself.
func addAdmission(options *environment.VersionedOptions, declared map[string]any) {
	request, namespace := plugincel.BuildRequestType(), plugincel.BuildNamespaceType()
	admission := map[string]*cel.Type{
		plugincel.ObjectVarName:                    cel.DynType,
		plugincel.OldObjectVarName:                 cel.DynType,
		plugincel.ParamsVarName:                    cel.DynType,
		plugincel.RequestVarName:                   request.CelType(),
		plugincel.NamespaceVarName:                 namespace.CelType(),
		plugincel.AuthorizerVarName:                library.AuthorizerType,
		plugincel.RequestResourceAuthorizerVarName: library.ResourceCheckType,
	}
	for name, celType := range admission {
		delete(declared, name)
		options.EnvOptions = append(options.EnvOptions, cel.Variable(name, celType))
	}
	options.DeclTypes = append(options.DeclTypes, namespace, request)
}

// objectTypes builds the object types of the question; a type may name itself and others.
func (q *expressionQuestion) objectTypes() (map[string]*apiservercel.DeclType, error) {
	objects := map[string]*apiservercel.DeclType{}
	for name := range q.Types {
		objects[name] = apiservercel.NewObjectType(name, map[string]*apiservercel.DeclField{})
	}
	for name, fields := range q.Types {
		for field, declaration := range fields {
			declType, err := declaredType(declaration, objects)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", name, field, err)
			}
			objects[name].Fields[field] = apiservercel.NewDeclField(field, declType, true, nil, nil)
		}
	}
	return objects, nil
}

var scalarTypes = map[string]*apiservercel.DeclType{
	"any": apiservercel.AnyType, "bool": apiservercel.BoolType, "bytes": apiservercel.BytesType,
	"double": apiservercel.DoubleType, "duration": apiservercel.DurationType, "dyn": apiservercel.DynType,
	"int": apiservercel.IntType, "null": apiservercel.NullType, "string": apiservercel.StringType,
	"timestamp": apiservercel.TimestampType, "uint": apiservercel.UintType,
}

func declaredType(declaration any, objects map[string]*apiservercel.DeclType) (*apiservercel.DeclType, error) {
	switch d := declaration.(type) {
	case string:
		if scalar, ok := scalarTypes[d]; ok {
			return scalar, nil
		}
		if object, ok := objects[d]; ok {
			return object, nil
		}
		return nil, fmt.Errorf("no type %q; known are %v and the question's own", d, sortedNames(scalarTypes))
	case []any:
		return declaredCollection(d, objects)
	}
	return nil, fmt.Errorf("a type is a name or a list, not %v", declaration)
}

func declaredCollection(parts []any, objects map[string]*apiservercel.DeclType) (*apiservercel.DeclType, error) {
	var parameters []*apiservercel.DeclType
	for _, part := range parts[min(1, len(parts)):] {
		parameter, err := declaredType(part, objects)
		if err != nil {
			return nil, err
		}
		parameters = append(parameters, parameter)
	}
	switch {
	case len(parts) == 2 && parts[0] == "list":
		return apiservercel.NewListType(parameters[0], -1), nil
	case len(parts) == 3 && parts[0] == "map":
		return apiservercel.NewMapType(parameters[0], parameters[1], -1), nil
	}
	return nil, fmt.Errorf(`a collection is ["list",T] or ["map",K,V], not %v`, parts)
}

func sortedNames[T any](named map[string]T) []string {
	names := make([]string, 0, len(named))
	for name := range named {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

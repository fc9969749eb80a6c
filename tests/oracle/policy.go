package main

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/cel/environment"
)

// policyQuestion asks for the verdict of one policy over one request.
//
// Policy is the spec of a ValidatingAdmissionPolicy (keys in any case). Request fills what the API server knows of the request and the
// objects do not say. NamespaceObject is the namespace, null for cluster-scoped resources; Authorized is what every question
// to the authorizer is answered with ("allow", "deny", default: no opinion).
type policyQuestion struct {
	Policy          json.RawMessage `json:"policy"`
	Version         string          `json:"version"`
	Object          json.RawMessage `json:"object"`
	OldObject       json.RawMessage `json:"oldObject"`
	Params          json.RawMessage `json:"params"`
	NamespaceObject json.RawMessage `json:"namespaceObject"`
	Request         requestFacts    `json:"request"`
	Authorized      string          `json:"authorized"`
}

type requestFacts struct {
	Operation   string                      `json:"operation"`
	Name        string                      `json:"name"`
	Namespace   string                      `json:"namespace"`
	Resource    metav1.GroupVersionResource `json:"resource"`
	SubResource string                      `json:"subResource"`
	DryRun      bool                        `json:"dryRun"`
	UserInfo    struct {
		Username string              `json:"username"`
		UID      string              `json:"uid"`
		Groups   []string            `json:"groups"`
		Extra    map[string][]string `json:"extra"`
	} `json:"userInfo"`
}

// compiledPolicy is what the admission plugin builds of a policy, and its evaluators one by one.
type compiledPolicy struct {
	errors      []string
	match       cel.ConditionEvaluator
	validations cel.ConditionEvaluator
	messages    cel.ConditionEvaluator
	validator   validating.Validator
}

var policies = map[string]*compiledPolicy{}

func answerPolicy(line []byte) (answer, error) {
	var question policyQuestion
	if err := json.Unmarshal(line, &question); err != nil {
		return nil, err
	}
	policy, err := compiled(question.Policy, question.Version)
	if err != nil {
		return nil, err
	}
	return policy.judge(&question)
}

func compiled(raw json.RawMessage, version string) (*compiledPolicy, error) {
	key := version + string(raw)
	if policy, ok := policies[key]; ok {
		return policy, nil
	}
	var spec v1.ValidatingAdmissionPolicySpec
	if err := json.Unmarshal(raw, &spec); err != nil {
		return nil, err
	}
	policy, err := compile(&spec, version)
	if err == nil {
		policies[key] = policy
	}
	return policy, err
}

// compile does what the admission plugin does when it sees a policy, keeping what it otherwise hides.
func compile(spec *v1.ValidatingAdmissionPolicySpec, version string) (*compiledPolicy, error) {
	base, err := baseEnvironment(version)
	if err != nil {
		return nil, err
	}
	compiler, err := cel.NewCompositedCompiler(base)
	if err != nil {
		return nil, err
	}
	withAuthorizer := cel.OptionalVariableDeclarations{HasParams: spec.ParamKind != nil, HasAuthorizer: true}
	withoutAuthorizer := cel.OptionalVariableDeclarations{HasParams: spec.ParamKind != nil}
	policy := &compiledPolicy{errors: []string{}}
	mode := environment.StoredExpressions
	if version != "" {
		mode = environment.NewExpressions
	}
	for _, variable := range spec.Variables {
		accessor := &validating.Variable{Name: variable.Name, Expression: variable.Expression}
		if failed := compiler.CompileAndStoreVariable(accessor, withAuthorizer, mode).Error; failed != nil {
			policy.errors = append(policy.errors, fmt.Sprintf("variable %s: %v", variable.Name, failed))
		}
	}
	condition := func(what string, accessors []cel.ExpressionAccessor, options cel.OptionalVariableDeclarations) cel.ConditionEvaluator {
		evaluator := compiler.CompileCondition(accessors, options, mode)
		for _, failed := range evaluator.CompilationErrors() {
			policy.errors = append(policy.errors, fmt.Sprintf("%s: %v", what, failed))
		}
		return evaluator
	}
	policy.validations = condition("validation", validationAccessors(spec), withAuthorizer)
	policy.match = condition("matchCondition", matchAccessors(spec), withAuthorizer)
	policy.messages = condition("messageExpression", messageAccessors(spec), withoutAuthorizer)
	audits := condition("auditAnnotation", auditAccessors(spec), withAuthorizer)
	var matcher matchconditions.Matcher
	if len(spec.MatchConditions) > 0 {
		matcher = matchconditions.NewMatcher(policy.match, spec.FailurePolicy, "policy", "validate", "oracle")
	}
	policy.validator = validating.NewValidator(policy.validations, matcher, audits, policy.messages, spec.FailurePolicy, nil)
	return policy, nil
}

func validationAccessors(spec *v1.ValidatingAdmissionPolicySpec) []cel.ExpressionAccessor {
	accessors := make([]cel.ExpressionAccessor, len(spec.Validations))
	for i, v := range spec.Validations {
		accessors[i] = &validating.ValidationCondition{Expression: v.Expression, Message: v.Message, Reason: v.Reason}
	}
	return accessors
}

func matchAccessors(spec *v1.ValidatingAdmissionPolicySpec) []cel.ExpressionAccessor {
	accessors := make([]cel.ExpressionAccessor, len(spec.MatchConditions))
	for i := range spec.MatchConditions {
		accessors[i] = (*matchconditions.MatchCondition)(&spec.MatchConditions[i])
	}
	return accessors
}

// messageAccessors leaves nil where a validation has no messageExpression: an evaluator skips those.
func messageAccessors(spec *v1.ValidatingAdmissionPolicySpec) []cel.ExpressionAccessor {
	accessors := make([]cel.ExpressionAccessor, len(spec.Validations))
	for i, v := range spec.Validations {
		if v.MessageExpression != "" {
			accessors[i] = &validating.MessageExpressionCondition{MessageExpression: v.MessageExpression}
		}
	}
	return accessors
}

func auditAccessors(spec *v1.ValidatingAdmissionPolicySpec) []cel.ExpressionAccessor {
	accessors := make([]cel.ExpressionAccessor, len(spec.AuditAnnotations))
	for i, a := range spec.AuditAnnotations {
		accessors[i] = &validating.AuditAnnotationCondition{Key: a.Key, ValueExpression: a.ValueExpression}
	}
	return accessors
}

// judge evaluates every expression of the policy on its own, then lets the plugin's validator decide.
//
// "cost" is what validations and messages spend of the policy's budget; "decisions" is what the API server acts on: empty where the
// match conditions exclude the request.
func (p *compiledPolicy) judge(q *policyQuestion) (answer, error) {
	attributes, err := q.attributes()
	if err != nil {
		return nil, err
	}
	params, err := readObject(q.Params)
	if err != nil {
		return nil, err
	}
	namespace, err := q.namespace()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	resource := metav1.GroupVersionResource(attributes.GetResource())
	request := cel.CreateAdmissionRequest(attributes.Attributes, resource, metav1.GroupVersionKind(attributes.VersionedKind))
	bindings := cel.OptionalVariableBindings{Authorizer: fixedAuthorizer(q.Authorized)}
	if params != nil {
		bindings.VersionedParams = params
	}
	result := answer{"compile_errs": p.errors}
	seen := cel.CreateNamespaceObject(namespace)
	remaining := int64(celconfig.RuntimeCELCostBudget)
	run := func(name string, evaluator cel.ConditionEvaluator, ns *corev1.Namespace, budget int64) int64 {
		results, left, err := evaluator.ForInput(ctx, attributes, request, bindings, ns, budget)
		if err != nil {
			result[name] = answer{"err": err.Error()}
			return 0
		}
		result[name] = encodeResults(results)
		return left
	}
	remaining = run("validations", p.validations, seen, remaining)
	result["cost"] = celconfig.RuntimeCELCostBudget - remaining
	run("messages", p.messages, seen, remaining)
	run("match", p.match, nil, celconfig.RuntimeCELCostBudgetMatchConditions)
	verdict := p.validator.Validate(ctx, attributes.GetResource(), attributes, bindings.VersionedParams, namespace,
		celconfig.RuntimeCELCostBudget, bindings.Authorizer)
	result["decisions"], result["auditAnnotations"] = encodeVerdict(verdict)
	return result, nil
}

func encodeResults(results []cel.EvaluationResult) []any {
	encoded := make([]any, len(results))
	for i, r := range results {
		switch {
		case r.Error != nil:
			encoded[i] = answer{"err": r.Error.Error()}
		case r.EvalResult != nil:
			kindAndValue := encode(r.EvalResult).([]any)
			if len(kindAndValue) == 2 {
				encoded[i] = answer{kindAndValue[0].(string): kindAndValue[1]}
			}
		}
	}
	return encoded
}

func encodeVerdict(verdict validating.ValidateResult) (decisions, annotations []answer) {
	decisions, annotations = []answer{}, []answer{}
	for _, d := range verdict.Decisions {
		decisions = append(decisions, answer{
			"action": d.Action, "evaluation": d.Evaluation, "message": d.Message, "reason": d.Reason,
		})
	}
	for _, a := range verdict.AuditAnnotations {
		annotations = append(annotations, answer{"key": a.Key, "value": a.Value, "action": a.Action, "error": a.Error})
	}
	return decisions, annotations
}

func (q *policyQuestion) attributes() (*admission.VersionedAttributes, error) {
	object, err := readObject(q.Object)
	if err != nil {
		return nil, err
	}
	old, err := readObject(q.OldObject)
	if err != nil {
		return nil, err
	}
	subject := object
	if subject == nil {
		subject = old
	}
	if subject == nil {
		subject = &unstructured.Unstructured{Object: map[string]any{}}
	}
	facts := q.Request
	if facts.Name == "" {
		facts.Name = subject.GetName()
	}
	if facts.Namespace == "" {
		facts.Namespace = subject.GetNamespace()
	}
	if facts.Operation == "" {
		facts.Operation = string(admission.Create)
	}
	kind := subject.GroupVersionKind()
	who := &user.DefaultInfo{
		Name: facts.UserInfo.Username, UID: facts.UserInfo.UID, Groups: facts.UserInfo.Groups, Extra: facts.UserInfo.Extra,
	}
	versioned := &admission.VersionedAttributes{VersionedKind: kind}
	versioned.Attributes = admission.NewAttributesRecord(asObject(object), asObject(old), kind, facts.Namespace, facts.Name,
		schema.GroupVersionResource(facts.Resource), facts.SubResource, admission.Operation(facts.Operation), nil, facts.DryRun, who)
	versioned.VersionedObject, versioned.VersionedOldObject = asObject(object), asObject(old)
	return versioned, nil
}

func (q *policyQuestion) namespace() (*corev1.Namespace, error) {
	object, err := readObject(q.NamespaceObject)
	if object == nil || err != nil {
		return nil, err
	}
	var namespace corev1.Namespace
	return &namespace, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &namespace)
}

// readObject decodes as the API server does (a number without a fraction is an int64); null and nothing give nil.
func readObject(raw json.RawMessage) (*unstructured.Unstructured, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var object map[string]any
	if err := kjson.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	return &unstructured.Unstructured{Object: object}, nil
}

// asObject keeps an absent object an absent interface value.
func asObject(object *unstructured.Unstructured) runtime.Object {
	if object == nil {
		return nil
	}
	return object
}

func fixedAuthorizer(authorized string) authorizer.Authorizer {
	decision := authorizer.DecisionNoOpinion
	switch authorized {
	case "allow":
		decision = authorizer.DecisionAllow
	case "deny":
		decision = authorizer.DecisionDeny
	}
	return authorizer.AuthorizerFunc(func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
		return decision, "", nil
	})
}

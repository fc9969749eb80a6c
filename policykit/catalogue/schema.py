"""The text of a policy file into a `Policy`, or into everything that is wrong with it, each with its place.

Imported only when a policy was not in the cache: pydantic and jsonschema are heavy.
"""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from jsonschema import Draft202012Validator, SchemaError
from pydantic import TypeAdapter, ValidationError

from policykit.document import route_text
from policykit.errors import ParseError, Problem
from policykit.parse.yaml import parse_yaml
from policykit.parse.yaml_scalars import KUBERNETES
from policykit.policy import API_VERSION, Example, Examples, NamedExpression, Policy, Validation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from policykit.document import Document, Route, Source


class _Metadata(NamedTuple):
    name: str


class _Envelope(NamedTuple):
    api_version: Literal["policykit.dev/v1"]
    kind: Literal["Policy"]
    metadata: _Metadata
    spec: dict[str, Any]


class PolicyFile(NamedTuple):
    """What a policy file holds."""

    policy: Policy
    examples: Examples
    document: Document


@cache
def _adapter(type_: type) -> TypeAdapter[Any]:
    """Keys are in camelCase; a NamedTuple takes no others than its own."""
    return TypeAdapter(type_, config={"alias_generator": _camel})


def _camel(name: str) -> str:
    if name in ("passing", "failing"):  # `pass` cannot be an attribute
        return name[:4]
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def is_policy_text(source: Source) -> bool:
    """Whether a file means to be a policy of this project, and not of Kubernetes or another engine."""
    for document in parse_yaml(source, KUBERNETES):
        if isinstance(document, ParseError) or not isinstance(document.data, dict):
            return True  # what is wrong with it is said where policies are read
        api_version = document.data.get("apiVersion")
        return not isinstance(api_version, str) or api_version.partition("/")[0] == API_VERSION.partition("/")[0]
    return True


def read_policy(source: Source, stem: str, folder: str) -> tuple[PolicyFile | None, list[Problem]]:
    """The policy in `source`, or None with every problem found.

    `stem` is what its id must be, `folder` what its category must be ("" where the file lies in no folder).
    """
    documents = list(parse_yaml(source, KUBERNETES))
    errors = [d for d in documents if isinstance(d, ParseError)]
    if errors or len(documents) != 1:
        problems = [Problem(e.message, f"{source.name}:{e.line}:{e.column}") for e in errors]
        return None, problems or [Problem("a policy file holds one document", f"{source.name}:1:1")]
    document = documents[0]
    assert not isinstance(document, ParseError)
    problems = list(_shape_problems(document))
    if problems:
        return None, problems
    spec, examples = _split(document.data["spec"])
    policy: Policy = _adapter(Policy).validate_python({"id": document.data["metadata"]["name"], **spec})
    file = PolicyFile(policy, _adapter(Examples).validate_python(examples), document)
    return file, list(_meaning_problems(file, stem, folder))


def _split(spec: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The policy itself, and its examples."""
    return {key: value for key, value in spec.items() if key != "examples"}, spec.get("examples", {})


def _shape_problems(document: Document) -> Iterator[Problem]:
    """Keys and types."""
    data = document.data
    yield from _validate(_Envelope, data, document, ())
    if isinstance(data, dict) and isinstance(data.get("spec"), dict):
        spec, examples = _split(data["spec"])
        yield from _validate(Policy, {"id": "policy", **spec}, document, ("spec",))
        yield from _validate(Examples, examples, document, ("spec", "examples"))


def _validate(type_: type, value: Any, document: Document, prefix: Route) -> Iterator[Problem]:
    try:
        _adapter(type_).validate_python(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if prefix or detail["loc"][:1] != ("spec",):
                yield _problem(detail, document, prefix)


def _problem(detail: ErrorDetails, document: Document, prefix: Route) -> Problem:
    route: Route = (*prefix, *detail["loc"])
    unknown = detail["type"] == "extra_forbidden"
    key = str(route[-1]) if route else ""
    if unknown:
        close = difflib.get_close_matches(key, _keys(), 1)
        hint = f"did you mean `{close[0]}`?" if close else "see CONTRIBUTING.md for the keys of a policy"
        return _at(document, route, f"unknown key `{key}`", hint, key=True)
    if detail["type"] == "missing":
        return _at(document, route, f"`{key}` is missing", "add it")
    message = f"{detail['msg'][:1].lower()}{detail['msg'][1:]}"
    return _at(document, route, f"`{route_text(detail['loc'])}`: {message}")


@cache
def _keys() -> tuple[str, ...]:
    shapes = (Policy, Validation, NamedExpression, Examples, Example)
    return ("examples", *sorted({_camel(name) for shape in shapes for name in shape._fields}))


def _meaning_problems(file: PolicyFile, stem: str, folder: str) -> Iterator[Problem]:
    """What well-formed keys may still get wrong."""
    policy, examples, document = file
    if policy.id != stem:
        message = f"the policy is called `{policy.id}`, its file `{stem}`"
        yield _at(document, ("metadata", "name"), message, "rename one of them")
    if folder and policy.category != folder:
        message = f"the category is `{policy.category}`, the folder `{folder}`"
        yield _at(document, ("spec", "category"), message, "move the file")
    for name, schema in policy.parameters.items():
        yield from _parameter_problems(document, ("spec", "parameters", name), dict(schema))
    for which, group in (("pass", examples.passing), ("fail", examples.failing), ("unknown", examples.unknown)):
        for index, example in enumerate(group):
            route: Route = ("spec", "examples", which, index)
            if bool(example.input) == bool(example.files):
                yield _at(document, route, "an example has either `input` or `files`")
            if bool(example.at) == (which == "pass"):
                yield _at(document, route, "`at` lists the findings of an example that has some")


def _parameter_problems(document: Document, route: Route, schema: dict[str, Any]) -> Iterator[Problem]:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield _at(document, (*route, *error.path), f"not a JSON Schema: {error.message}")
        return
    if "default" not in schema:
        yield _at(document, route, "a parameter needs a `default`", "a policy works without configuration")
        return
    for violation in Draft202012Validator(schema).iter_errors(schema["default"]):
        yield _at(document, (*route, "default"), f"the default is not what the schema asks for: {violation.message}")


def _at(document: Document, route: Route, message: str, hint: str = "", *, key: bool = False) -> Problem:
    span = document.span(route, key=key)
    return Problem(message, f"{span.file}:{span.line}:{span.column}", hint)

"""The view `schemaViolation`: where an object is not what the API of its kind says, as the API server would see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policykit.cel.types import BOOL, STRING, ObjectType, fields_of
from policykit.document import Route, route_text
from policykit.unknown import Unknown
from policykit.views.api_schemas import builtin_schemas, schema_of
from policykit.views.objects import annotations_of, owner_fields, resource
from policykit.views.schema_validation import UNKNOWN_FIELD, Violation, violations
from policykit.views.types import OWNER
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policykit.views.objects import ApiObject
    from policykit.views.project import Project

SCHEMA_VIOLATION = ObjectType(
    "SchemaViolation",
    {
        "owner": OWNER,
        "path": STRING,
        "keyword": STRING,  # of the schema: type, required, enum; unknownField, noSchema
        "message": STRING,
        "builtin": BOOL,  # the kind is one of Kubernetes' own
    },
)

#: What `keyword` is for an object of a kind that no schema is known of.
NO_SCHEMA = "noSchema"


def schema_violations(obj: ApiObject, project: Project) -> Iterator[Subject]:
    """Every violation of an object. One unknown subject in a project whose Kubernetes version has no schemas here."""
    builtin = builtin_schemas(project.facts.kubernetes_version)
    if isinstance(builtin, Unknown):
        if obj is project.objects[0]:
            yield _unknown(obj, builtin)
        return
    schema = schema_of(obj, project, builtin)
    own = (obj.api_version, obj.kind) in builtin.kinds
    if isinstance(schema, Unknown):
        yield _unknown(obj, schema)
    elif schema is None:
        said = f"no schema is known of `{obj.kind}` in `{obj.api_version}`"
        yield _subject(obj, Violation(("kind",), NO_SCHEMA, said), own)
    else:
        try:
            found = violations(schema, obj.data)
        except RecursionError:
            yield _unknown(obj, Unknown(("it is nested too deep to be held against a schema",)))
            return
        yield from (_subject(obj, violation, own) for violation in found)


def _subject(obj: ApiObject, violation: Violation, own: bool) -> Subject:
    data = {
        "owner": owner_fields(obj),
        "path": route_text(violation.route),
        "keyword": violation.keyword,
        "message": violation.message,
        "builtin": own,
    }
    return _placed(obj, violation.route, data, key=violation.keyword == UNKNOWN_FIELD)


def _unknown(obj: ApiObject, reason: Unknown) -> Subject:
    return _placed(obj, ("kind",), dict.fromkeys(fields_of(SCHEMA_VIOLATION), reason))


def _placed(obj: ApiObject, route: Route, data: dict[str, Any], *, key: bool = False) -> Subject:
    place = Place(obj.span(route, key=key), route_text(route))
    return Subject(data, obj, lambda _at: place, resource(obj), (annotations_of(obj.data),))

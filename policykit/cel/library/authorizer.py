"""Authorization checks (k8s.io/apiserver pkg/cel/library/authz.go, since Kubernetes 1.27).

Who may do what only a cluster knows: `authorizer` is bound to an Unknown and every check is unknown. The
functions are declared so that policies that use them compile; they are never called.
"""

from __future__ import annotations

from typing import Any, NoReturn

from policykit.cel.errors import EvaluationError
from policykit.cel.kubernetes import AUTHORIZER, RESOURCE_CHECK
from policykit.cel.library import member
from policykit.cel.types import BOOL, STRING, OpaqueType

_PATH_CHECK = OpaqueType("kubernetes.authorization.PathCheck")
_GROUP_CHECK = OpaqueType("kubernetes.authorization.GroupCheck")
_DECISION = OpaqueType("kubernetes.authorization.Decision")


def unavailable(*_: Any) -> NoReturn:
    """Reached only if something else than an Unknown is bound to `authorizer`."""
    raise EvaluationError("no such overload")


FUNCTIONS = (
    member("path", (AUTHORIZER, STRING), _PATH_CHECK, unavailable),
    member("group", (AUTHORIZER, STRING), _GROUP_CHECK, unavailable),
    member("serviceAccount", (AUTHORIZER, STRING, STRING), AUTHORIZER, unavailable),
    member("resource", (_GROUP_CHECK, STRING), RESOURCE_CHECK, unavailable),
    member("subresource", (RESOURCE_CHECK, STRING), RESOURCE_CHECK, unavailable),
    member("namespace", (RESOURCE_CHECK, STRING), RESOURCE_CHECK, unavailable),
    member("name", (RESOURCE_CHECK, STRING), RESOURCE_CHECK, unavailable),
    member("check", (_PATH_CHECK, STRING), _DECISION, unavailable),
    member("check", (RESOURCE_CHECK, STRING), _DECISION, unavailable),
    member("errored", (_DECISION,), BOOL, unavailable),
    member("error", (_DECISION,), STRING, unavailable),
    member("allowed", (_DECISION,), BOOL, unavailable),
    member("reason", (_DECISION,), STRING, unavailable),
    member("fieldSelector", (RESOURCE_CHECK, STRING), RESOURCE_CHECK, unavailable, since=(1, 31)),
    member("labelSelector", (RESOURCE_CHECK, STRING), RESOURCE_CHECK, unavailable, since=(1, 31)),
)
TYPES = {t.name: t for t in (AUTHORIZER, RESOURCE_CHECK, _PATH_CHECK, _GROUP_CHECK, _DECISION)}

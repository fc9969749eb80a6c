"""A rule about Pods -> the same about the controllers that make Pods (kyverno `pkg/autogen`, `pkg/cel/autogen`).

Kyverno rewrites the text of a rule, paths into the object and all; so does this.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Lift(NamedTuple):
    """The kinds of one family of controllers, and where they keep the pod."""

    name: str
    template: str
    kinds: dict[str, str]


#: Kind -> what it is called in the `kinds` of a rule.
CONTROLLERS = Lift(
    "autogen",
    "spec.template",
    {
        "DaemonSet": "apps/v1/DaemonSet",
        "Deployment": "apps/v1/Deployment",
        "Job": "batch/v1/Job",
        "ReplicaSet": "apps/v1/ReplicaSet",
        "ReplicationController": "v1/ReplicationController",
        "StatefulSet": "apps/v1/StatefulSet",
    },
)
CRON_JOBS = Lift("autogen-cronjob", "spec.jobTemplate.spec.template", {"CronJob": "batch/v1/CronJob"})
KINDS = (*CONTROLLERS.kinds, *CRON_JOBS.kinds)

_POD_PATH = re.compile(r"(object|oldObject)\.(spec|metadata)")
_POD_PATH_NOT_NAMESPACE = re.compile(r"(object|oldObject)\.(spec|metadata)(?!\.namespace(?!\w))")


def rewriter(lift: Lift, *, spare_namespace: bool = False) -> Callable[[str], str]:
    """A function from a text about a pod to one about what makes it.

    `spare_namespace`: a pod template has no namespace, so that of the object is left.
    """
    path = _POD_PATH_NOT_NAMESPACE if spare_namespace else _POD_PATH
    return partial(path.sub, rf"\1.{lift.template}.\2")

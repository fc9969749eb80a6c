"""What a policy can say anything about: narrowed where that is certain, and nowhere else."""

from __future__ import annotations

import pytest

from policykit.views.registry import VIEWS
from policykit_webhook.scope import KINDS, POD_KINDS, VIEW_KINDS, _narrowed


@pytest.mark.parametrize(
    ("expression", "kinds"),
    [
        ('object.kind == "Service"', {"Service"}),
        ('object.kind == "Service" && has(object.spec)', {"Service"}),
        ('object.kind in ["Role", "ClusterRole"]', {"Role", "ClusterRole"}),
        ('object.kind == "Job" && has(object.spec) || object.kind == "CronJob"', {"Job", "CronJob"}),
        ('object.kind == "Job" && object.kind in ["Pod"]', set()),
        ('object.kind == "Job" || has(object.spec)', None),
        (
            'object.kind == "Secret" && object.apiVersion == "v1" && !("x" in object) && object.?a.orValue("")',
            {"Secret"},
        ),
        ('object.kind == "A" || object.kind == "B" || object.kind in ["C"]', {"A", "B", "C"}),
        ('object.kind != "Job"', None),
        ('!(object.kind == "Job")', None),
        ('object.kind.startsWith("Job")', None),
        ('object.kind in ["Job", params.kind]', None),
        ('object.spec.kind == "Job"', None),
        ('"Job" == object.kind', None),
        ("object.kind ==", None),
    ],
)
def test_conditions_narrow_only_what_they_exclude(expression: str, kinds: set[str] | None) -> None:
    assert _narrowed(expression) == kinds


def test_every_view_of_kubernetes_objects_has_its_kinds() -> None:
    views = {name for name, view in VIEWS.items() if "kubernetes" in view.makers}
    assert views <= VIEW_KINDS.keys()
    assert all(kinds is None or kinds <= KINDS.keys() for kinds in VIEW_KINDS.values())


def test_what_makes_pods_is_what_the_views_know_as_such() -> None:
    from policykit.views import pods

    built_in = set(pods._POD_ROUTES) - {"DeploymentConfig"}
    assert built_in == POD_KINDS

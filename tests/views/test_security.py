"""Security contexts: what a container has of its own, what it has from its pod, and where it is written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.views.builders import data, place, subjects

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    container.apparmor.security.beta.kubernetes.io/gone: unconfined
    container.seccomp.security.alpha.kubernetes.io/web: localhost/web
spec:
  hostUsers: false
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    supplementalGroups: [7, true, 8]
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: web
      image: nginx:1.27
      securityContext:
        runAsUser: 0
        capabilities: {add: [CHOWN], drop: [ALL]}
    - name: log
      image: log:1
"""


def by_name(text: str) -> dict[str, Any]:
    return {context["name"]: context for context in data("securityContext", text)}


def test_a_container_inherits_what_it_does_not_say() -> None:
    contexts = by_name(POD)
    web, log = contexts["web"], contexts["log"]
    assert (web["runAsUser"], web["runAsUserSource"]) == (0, "container")
    assert (log["runAsUser"], log["runAsUserSource"]) == (1000, "pod")
    assert (web["runAsNonRoot"], web["runAsNonRootSource"]) == (True, "pod")
    assert web["seccomp"]["source"] == "pod"
    assert not web["hostUsers"]


def test_what_only_containers_have_is_not_inherited() -> None:
    contexts = by_name(POD)
    assert contexts["web"]["capabilities"] == {"add": ["CHOWN"], "drop": ["ALL"], "set": True}
    assert contexts["log"]["capabilities"] == {"add": [], "drop": [], "set": False}


def test_annotations_belong_to_the_container_they_name_or_to_the_pod() -> None:
    contexts = by_name(POD)
    assert contexts["web"]["seccomp"]["annotation"] == "localhost/web"
    assert contexts["web"]["appArmor"]["annotation"] == ""
    assert contexts[""]["appArmor"]["annotation"] == "unconfined"


def test_what_is_no_number_counts_as_none() -> None:
    assert by_name(POD)[""]["supplementalGroups"] == [7, -1, 8]


def test_places_lead_to_where_it_is_said() -> None:
    found = {subject.data["name"]: subject for subject in subjects("securityContext", POD)}
    assert place(found["web"], "runAsUser") == (19, 20, "spec.containers[0].securityContext.runAsUser")
    assert place(found["log"], "runAsUser") == (12, 16, "spec.securityContext.runAsUser")
    assert place(found["log"], "capabilities.drop")[:2] == (21, 7)
    assert place(found[""], "appArmorAnnotation")[0] == 6


@pytest.mark.parametrize(
    ("option", "field", "value"),
    [
        ("no-new-privileges", "privilegeEscalation", "false"),
        ("no-new-privileges:true", "privilegeEscalation", "false"),
        ("no-new-privileges=false", "privilegeEscalation", "true"),
        ("systempaths=unconfined", "procMount", "Unmasked"),
    ],
)
def test_options_of_a_service(option: str, field: str, value: str) -> None:
    text = f"services:\n  web:\n    image: nginx:1.27\n    security_opt: ['{option}']\n"
    (context,) = data("securityContext", text, name="compose.yaml")
    assert context[field] == value


def test_profiles_of_a_service() -> None:
    text = "services:\n  web:\n    image: nginx:1.27\n    security_opt: ['seccomp=./s.json', 'apparmor:unconfined']\n"
    (context,) = data("securityContext", text, name="compose.yaml")
    assert (context["seccomp"]["type"], context["seccomp"]["file"]) == ("Localhost", "./s.json")
    assert context["appArmor"]["type"] == "Unconfined"


def test_capabilities_of_a_service_lose_their_prefix() -> None:
    text = "services:\n  web:\n    image: nginx:1.27\n    cap_add: [cap_sys_admin]\n    cap_drop: [ALL]\n"
    (context,) = data("securityContext", text, name="compose.yaml")
    assert context["capabilities"] == {"add": ["SYS_ADMIN"], "drop": ["ALL"], "set": True}

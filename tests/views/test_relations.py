"""What Kubernetes objects say of each other: selectors, names and numbers across documents."""

from __future__ import annotations

import pytest

from tests.views.builders import data

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec:
      serviceAccountName: web
      containers: [{name: web, image: "nginx:1.27", ports: [{name: http, containerPort: 8080}]}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}, {port: 81}]
"""


def test_a_service_and_its_pods() -> None:
    (service,) = data("service", SERVICE, web=WEB)
    assert service["workloads"] == ["Deployment/web"]
    assert [port["exposed"] for port in service["ports"]] == [True, False]
    assert [port["targetPort"] for port in service["ports"]] == ["http", "81"]


def test_namespaces_keep_objects_apart() -> None:
    (service,) = data("service", SERVICE.replace("shop", "blog"), web=WEB)
    assert service["workloads"] == []


def test_a_workload_knows_its_services_autoscalers_and_account() -> None:
    scaler = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: scale, namespace: shop}
spec: {minReplicas: 4, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
"""
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: shop}\n"
    (workload,) = data("workload", WEB, service=SERVICE, scaler=scaler, account=account)
    assert (workload["services"], workload["autoscalers"]) == (["web"], ["scale"])
    assert (workload["replicas"], workload["minReplicas"]) == (2, 4)
    assert workload["serviceAccountFound"]
    assert workload["selectsItsPods"]


def test_the_selector_of_a_replication_controller_is_a_map() -> None:
    text = WEB.replace("apps/v1", "v1").replace("Deployment", "ReplicationController")
    (workload,) = data("workload", text.replace("{matchLabels: {app: web}}", "{app: other}"))
    assert workload["selectorSet"]
    assert not workload["selectsItsPods"]


def test_a_workload_without_a_template_is_one() -> None:
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {strategy: {type: Recreate}}\n"
    (workload,) = data("workload", text)
    assert (workload["strategy"]["type"], workload["containers"], workload["replicas"]) == ("Recreate", [], 1)


@pytest.mark.parametrize(
    ("said", "lose"),
    [
        ("minAvailable: 1", 1),
        ("minAvailable: 2", 0),
        ("minAvailable: 51%", 0),
        ("maxUnavailable: 10%", 1),
        ("maxUnavailable: 0", 0),
    ],
)
def test_percentages_of_a_budget_are_rounded_up(said: str, lose: int) -> None:
    text = f"""\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: web, namespace: shop}}
spec: {{selector: {{matchLabels: {{app: web}}}}, {said}}}
"""
    (budget,) = data("disruptionBudget", text, web=WEB)
    assert [target["mayLose"] for target in budget["targets"]] == [lose]


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        ("{podSelector: {}}", 1, 0),
        ("{podSelector: {matchLabels: {app: other}}}", 0, 0),
        ("{podSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}, egress: []}", 1, 0),
        ("{podSelector: {}, egress: [{}]}", 1, 1),
        ("{podSelector: {}, policyTypes: [Egress]}", 0, 1),
    ],
)
def test_network_policies_that_isolate_a_workload(spec: str, ingress: int, egress: int) -> None:
    head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n, namespace: shop}\n"
    (workload,) = data("workload", WEB, policy=f"{head}spec: {spec}\n")
    assert (len(workload["ingressPolicies"]), len(workload["egressPolicies"])) == (ingress, egress)


def test_an_ingress_and_its_services() -> None:
    text = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  rules:
    - host: a.example.com
      http:
        paths:
          - {path: /, backend: {service: {name: web, port: {number: 80}}}}
          - {path: /x, backend: {service: {name: web, port: {number: 99}}}}
          - {path: /y, backend: {service: {name: gone, port: {number: 80}}}}
          - {path: /z, backend: {resource: {kind: Bucket, name: b}}}
"""
    backends = data("ingressBackend", text, service=SERVICE)
    assert [(b["found"], b["portFound"]) for b in backends] == [
        (True, True),
        (True, False),
        (False, False),
        (True, True),
    ]


def test_a_binding_has_the_rules_of_its_role() -> None:
    role = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
"""
    binding = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: NAMESPACE}
roleRef: {kind: Role, name: reader}
subjects: [{kind: User, name: jane}]
"""
    (here,) = data("roleBinding", binding.replace("NAMESPACE", "shop"), role=role)
    (there,) = data("roleBinding", binding.replace("NAMESPACE", "blog"), role=role)
    assert [rule["resources"] for rule in here["rules"]] == [["secrets"]]
    assert (there["roleFound"], there["rules"]) == (False, [])


def test_hostile_shapes_are_nothing() -> None:
    kinds = ["Service", "Ingress", "HorizontalPodAutoscaler", "PodDisruptionBudget", "RoleBinding", "NetworkPolicy"]
    values = ["7", "[]", "{selector: 7, ports: 7, rules: {a: b}, subjects: x, tls: 1}", "null"]
    text = "---\n".join(
        f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {value}\nroleRef: {value}\nsubjects: {value}\n"
        for kind in kinds
        for value in values
    )
    views = (
        "service",
        "ingress",
        "autoscaler",
        "disruptionBudget",
        "roleBinding",
        "networkPolicy",
        "workload",
        "resource",
    )
    for view in views:
        data(view, text)

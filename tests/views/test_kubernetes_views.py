"""API versions, volume claims, pods and mappings of Kubernetes objects."""

from __future__ import annotations

from policykit.views.project import Facts
from tests.views.builders import data, place, subjects


def test_api_versions() -> None:
    old, new = (
        data("apiVersion", f"apiVersion: {version}\nkind: CronJob\nmetadata: {{name: x}}\n")[0]
        for version in ("batch/v1beta1", "batch/v1")
    )
    assert (old["deprecatedIn"], old["removedIn"], old["replacement"]) == (21, 25, "batch/v1")
    assert not new["listed"]
    assert new["kubernetesMinor"] == Facts().kubernetes_version[1]


def test_claims_of_a_stateful_set_are_claims() -> None:
    text = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {storageClassName: fast, accessModes: [ReadWriteOnce]}
"""
    storage = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\n"
    (claim,) = data("volumeClaim", text, storage=storage)
    assert (claim["name"], claim["storageClass"], claim["storageClassFound"]) == ("data", "fast", True)


def test_anti_affinity_counts_in_its_own_namespace() -> None:
    text = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - podAffinityTerm: {labelSelector: {matchLabels: {app: web}}, topologyKey: host, namespaces: [blog]}
          requiredDuringSchedulingIgnoredDuringExecution:
            - {labelSelector: {matchLabels: {app: web}}, topologyKey: host, namespaceSelector: {}}
            - {labelSelector: {matchLabels: {app: web}}, topologyKey: host}
            - {labelSelector: {matchLabels: {app: web}, matchExpressions: [{key: a, operator: Exists}]}}
"""
    (pod,) = data("pod", text)
    assert [term["selectsItself"] for term in pod["antiAffinity"]] == [True, True, False, False]
    assert [term["required"] for term in pod["antiAffinity"]] == [True, True, True, False]


def test_a_token_is_mounted_unless_the_pod_or_its_account_says_otherwise() -> None:
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\nautomountServiceAccountToken: false\n"
    head = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: a, image: b}]\n"
    assert data("pod", head)[0]["tokenMounted"]
    assert not data("pod", head + "  serviceAccountName: web\n", account=account)[0]["tokenMounted"]
    told = head + "  serviceAccountName: web\n  automountServiceAccountToken: true\n"
    assert data("pod", told, account=account)[0]["tokenMounted"]


def test_mappings_have_their_keys_in_written_order() -> None:
    text = "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: x\n  labels: {b: c, a: d}\n"
    found = {subject.data["path"]: subject for subject in subjects("mapping", text)}
    assert found["root"].data["keys"] == ["kind", "apiVersion", "metadata"]
    assert found["metadata.labels"].data["keys"] == ["b", "a"]
    assert place(found["metadata.labels"], "")[:2] == (5, 12)


def test_an_object_is_found_by_path() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  annotations:\n    a.b/c: d\n"
    (subject,) = subjects("object", text)
    assert place(subject, 'metadata.annotations["a.b/c"]') == (6, 12, 'metadata.annotations["a.b/c"]')
    assert place(subject, "")[:2] == (2, 1)

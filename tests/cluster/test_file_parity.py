"""Acceptance test 9: `policykit check` on a file and a server-side dry run through the webhook say the same."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster import hooks
from tests.cluster.parity import Comparison
from tests.webhook import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.control_plane import ControlPlane


def _corpus() -> list[tuple[str, dict[str, Any]]]:
    """The Kubernetes objects among the conformance data, by where they come from."""
    root = Path(os.environ.get("POLICYKIT_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
    files = sorted((root / "kubernetes").glob("*.jsonl")) + sorted((root / "kyverno").glob("kyverno_cel.jsonl"))
    if not files:
        pytest.skip(f"no conformance data in {root}")
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            for obj in _objects(json.loads(line).get("input")):
                found.setdefault(json.dumps(obj, sort_keys=True, default=str), (f"{file.name}:{number}", obj))
    return list(found.values())


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, str):
        try:
            documents = list(yaml.safe_load_all(value))
        except (yaml.YAMLError, ValueError):
            return
        for document in documents:
            yield from _objects(document)
    elif isinstance(value, dict):
        if isinstance(value.get("kind"), str) and isinstance(value.get("apiVersion"), str):
            yield value
        else:
            for inner in value.values():
                yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def test_09_the_file_and_the_server_side_dry_run_agree(plane: ControlPlane, tmp_path: Path) -> None:
    """Verdict by verdict; where the file differs, the API server's defaults must be the reason.

    POLICYKIT_PARITY_EVERY: 1 for all of the corpus, by default every third object.
    """
    admin = plane.client
    namespace = hooks.make_namespace(admin, "corpus")
    comparison = Comparison(admin, namespace, tmp_path)
    every = int(os.environ.get("POLICYKIT_PARITY_EVERY", "3"))
    for source, obj in _corpus()[::every]:
        comparison.add(source, obj)
    options = {"loader": "policykit_webhook.policies:load", "policies": [], "kubeconfig": str(plane.kubeconfig)}
    with servers.running(tmp_path / "server", **options) as server:
        hooks.until_synced(server)
        with hooks.registered(plane, server, namespace) as client:
            comparison.client = client
            comparison.send()
        unexplained, explained = comparison.differences(server)
    print(f"{len(comparison.cases)} compared; by defaults {dict(explained)}; {dict(comparison.refused)}")
    assert unexplained == [], "\n".join(unexplained)
    assert len(comparison.cases) >= 500

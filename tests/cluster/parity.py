"""Objects through both doors: what the command line says of a file, and what a dry run through the webhook says."""

from __future__ import annotations

import copy
import io
import json
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from policykit.cli.main import main
from policykit_webhook.settings import ABOUT_FILES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.client import Client
    from tests.webhook.servers import Server

#: Verdicts by rule: how often a rule says `fail`, or gives no verdict.
Verdicts = Counter[tuple[str, str]]

#: Rules whose verdict the API server's defaults change, and the default that does it.
EXPLAINED = {
    "apparmor-unconfined": "AppArmor annotations are copied into the fields that took their place",
}


@dataclass
class Case:
    source: str
    obj: dict[str, Any]
    path: str
    defaulted: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return str(self.obj["metadata"]["name"])


@dataclass
class Comparison:
    """First every object is sent while no webhook is registered, for what the server makes of it; then again."""

    client: Client
    namespace: str
    directory: Path
    cases: list[Case] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    _plurals: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def add(self, source: str, obj: dict[str, Any]) -> None:
        """Prepares an object: a name that is its own, in the namespace of the comparison."""
        if not isinstance(obj.get("metadata", {}), dict):
            self.refused["malformed"] += 1
            return
        collection = self._collection(obj)
        if collection is None:
            self.refused["kind not served, or cluster-wide"] += 1
            return
        prepared = copy.deepcopy(obj)
        metadata = {k: v for k, v in (prepared.get("metadata") or {}).items() if k in ("labels", "annotations")}
        prepared["metadata"] = {**metadata, "name": f"p-{len(self.cases)}", "namespace": self.namespace}
        reply = self.client.request("POST", collection, prepared, dryRun="All", fieldValidation="Ignore")
        if not reply.ok:
            self.refused[f"refused by the API server ({reply.status})"] += 1
            return
        case = Case(source, prepared, collection)
        case.defaulted = {"apiVersion": prepared["apiVersion"], "kind": prepared["kind"], **reply.body}
        self.cases.append(case)

    def send(self) -> None:
        """Sends every object again, through the webhook."""
        for case in self.cases:
            self.client.request("POST", case.path, case.obj, dryRun="All", fieldValidation="Ignore")

    def differences(self, server: Server) -> tuple[list[str], Counter[str]]:
        """What cannot be explained, and how often each rule differs for a reason that can."""
        seen = _webhook_verdicts(server)
        unexplained: list[str] = []
        explained: Counter[str] = Counter()
        for case in self.cases:
            webhook, written = seen.get(case.name, Counter()), self._check(case.obj)
            if webhook == written:
                continue
            defaulted = self._check(case.defaulted)
            if webhook != defaulted:
                unexplained.append(f"{case.source} {case.obj['kind']}: {_difference(webhook, defaulted)}")
            else:
                rules = {rule for rule, _ in (webhook - written) + (written - webhook)}
                explained.update(rules & EXPLAINED.keys())
                unexplained += [f"{case.source} default: {rule}" for rule in rules - EXPLAINED.keys()]
        return unexplained, explained

    def _check(self, obj: dict[str, Any] | None) -> Verdicts:
        path = self.directory / "object.json"
        path.write_text(json.dumps(obj))
        with redirect_stdout(io.StringIO()) as said:
            code = main(["check", "--format=json", "--no-inline-suppressions", str(path)])
        assert code in (0, 1), said.getvalue()
        found = json.loads(said.getvalue())["findings"]
        return Counter((f["rule"], f["verdict"]) for f in found if f["rule"] not in ABOUT_FILES)

    def _collection(self, obj: dict[str, Any]) -> str | None:
        version, kind = str(obj["apiVersion"]), str(obj["kind"])
        if (version, kind) not in self._plurals:
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            reply = self.client.get(root)
            for resource in reply.body.get("resources", []) if reply.ok else []:
                if "/" not in resource["name"]:
                    plural = (
                        f"{root}/namespaces/{self.namespace}/{resource['name']}" if resource["namespaced"] else None
                    )
                    self._plurals[version, resource["kind"]] = plural
        return self._plurals.setdefault((version, kind), None)


def _webhook_verdicts(server: Server) -> dict[str, Verdicts]:
    """By the object's name, from the server's log: both hooks together."""
    seen: dict[str, Verdicts] = {}
    for line in server.logged():
        if "results" in line:
            verdicts = seen.setdefault(line["name"], Counter())
            verdicts.update((noted["rule"], noted["outcome"]) for noted in line["results"])
    return seen


def _difference(webhook: Verdicts, written: Verdicts) -> str:
    return f"only the webhook {dict(webhook - written)}, only the file {dict(written - webhook)}"

"""A snapshot's directory to `Policies`:

policykit's own engine, catalogue and configuration behind the webhook's `Judge`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policykit import engine
from policykit.catalogue import Catalogue, load_catalogue
from policykit.catalogue.rules import RuleSet, RuleSettings, rule_set
from policykit.config import Choice
from policykit.config import Settings as ConfigSettings
from policykit.config.load import load as load_config
from policykit.document import Source, Span
from policykit.errors import Problem, UsageError
from policykit.files import display_name
from policykit.suppress import Given, suppress
from policykit.suppress.annotation import PREFIX
from policykit.views.objects import AdmittedObject, annotations_of
from policykit_webhook import bundle, decision
from policykit_webhook.judge import Rule, Violation
from policykit_webhook.review import Kind, Review
from policykit_webhook.scope import KINDS, kinds_of, own_matches
from policykit_webhook.settings import ABOUT_FILES, Settings, settings_from

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from policykit.config.model import Config
    from policykit.finding import Finding
    from policykit.policy import Policy
    from policykit_webhook.judge import Facts

#: The view whose subjects are judged by what else is in their namespace; others look at it where it is there.
_NAMESPACE = "namespace"
#: The category of policies in the API server's own form, or that of another engine.
_ADMISSION = "admission"
_MAY_SUPPRESS = Source("", PREFIX)
_UNKNOWN_FACTS = "what else is in the namespace is not known"


def load(directory: str) -> decision.Policies:
    """The policies and settings of a snapshot. Raises UsageError with everything that is wrong."""
    root = Path(directory)
    config = _config(root)
    settings = ConfigSettings((config,))
    catalogue = load_catalogue((*settings.policies, *bundle.folders(root)), cache=root.parent / bundle.COMPILED)
    in_force = settings.in_force(catalogue, Choice())
    own = _expanded(settings_from(config.webhook or {}), catalogue)
    asked = {r: said for r, said in in_force.rules.items() if r not in own.ignore and _about_objects(catalogue, r)}
    loaded = decision.policies(EngineJudge(catalogue, rule_set(catalogue, asked), settings, own, root), own)
    _warm(loaded)
    return loaded


def _warm(loaded: decision.Policies) -> None:
    """Judges something of every kind: programs are unpacked and patterns compiled before the first caller waits."""
    pod = {"containers": [{"name": "warm", "image": "registry.invalid/warm:1"}]}
    for kind, api in KINDS.items():
        group_kind = Kind(api.group, api.version, kind)
        obj = {"apiVersion": group_kind.api_version, "kind": kind, "metadata": {"name": "warm"}}
        obj["spec"] = pod if kind == "Pod" else {"template": {"spec": pod}}
        resource = Kind(api.group, api.version, api.resources[0])
        call = Review("", "CREATE", group_kind, resource, "", "warm", "warm", True, {}, obj, None)
        for hook in loaded.hooks:
            decision.decide(call, hook, loaded)


class EngineJudge:
    """policykit's engine as the webhook's judge."""

    def __init__(
        self, catalogue: Catalogue, rules: RuleSet, config: ConfigSettings, settings: Settings, directory: Path
    ) -> None:
        self._catalogue = catalogue
        self._rules = rules
        self._config = config
        self._facts = config.facts({})
        self._inline = settings.object_exceptions
        self._here = Span(f"{display_name(str(directory.absolute()))}/admission-review", 1, 1, 1, 1)
        self._judge_of = lru_cache(maxsize=64)(self._make_judge)
        self._crossing = frozenset(r for r in rules.rules if _policy(catalogue, r).for_each == _NAMESPACE)
        self.digest = f"sha256:{rules.digest}"
        self.rules: Mapping[str, Rule] = {
            r: _rule(_policy(catalogue, r), said, catalogue.file(r)) for r, said in rules.rules.items()
        }

    def judge(
        self, review: Review, subject: Mapping[str, Any], rules: Collection[str], facts: Facts | None
    ) -> Sequence[Violation]:
        document = _document(subject, review)
        others = facts.objects(review.namespace) if facts is not None and review.namespace else None
        beside = [_other(obj) for obj in others or ()]
        chosen = frozenset(rules)
        try:
            found = self._found(chosen, document, beside)
        except Exception:
            return list(self._one_by_one(chosen, document, beside, known=others is not None))
        return [v for f in found if (v := self._violation(f, known=others is not None)) is not None]

    def _one_by_one(
        self, rules: frozenset[str], document: AdmittedObject, beside: list[AdmittedObject], *, known: bool
    ) -> Iterable[Violation]:
        """Some rule broke: the others still speak. Only the type of an error is told, its text may quote the object."""
        for rule in sorted(rules):
            try:
                found = self._found(frozenset({rule}), document, beside)
            except Exception as error:
                yield Violation(rule, "error", type(error).__name__)
            else:
                yield from (v for f in found if (v := self._violation(f, known=known)) is not None)

    def _found(self, rules: frozenset[str], document: AdmittedObject, beside: list[AdmittedObject]) -> list[Finding]:
        judged = self._judge_of(rules).judge(document, beside)
        if not judged or not (self._inline or self._config.exceptions):
            return [item.finding for item in judged]
        here = [item._replace(finding=item.finding._replace(span=self._here)) for item in judged]
        kept, _ = suppress(here, self._given(document, rules))
        return [finding for finding in kept if finding.rule in rules]

    def _given(self, document: AdmittedObject, rules: frozenset[str]) -> Given:
        file = self._here.file
        return Given(
            catalogue=self._catalogue,
            documents=(document,),
            sources={file: Source(file, " ".join(annotations_of(document.data)))},
            active=lambda _file: rules,
            today=datetime.now(UTC).date().isoformat(),
            exceptions=self._config.exceptions,
            inline=self._inline,
        )

    def _violation(self, finding: Finding, *, known: bool) -> Violation | None:
        """None where the unknown is to be ignored."""
        if finding.rule not in self._crossing or known or finding.verdict == "unknown":
            return Violation(
                finding.rule, finding.verdict, finding.message, finding.path, finding.help, finding.severity
            )
        said = self._rules.rules[finding.rule]
        if said.on_unknown == "ignore":
            return None
        severity = said.severity if said.on_unknown == "fail" else "warning"
        return Violation(finding.rule, "unknown", _UNKNOWN_FACTS, finding.path, finding.help, severity)

    def _make_judge(self, rules: frozenset[str]) -> engine.Judge:
        chosen = {rule: said for rule, said in self._rules.rules.items() if rule in rules}
        return engine.Judge(self._catalogue, RuleSet(chosen, self._rules.digest), self._facts)


def _config(root: Path) -> Config:
    path = root / bundle.CONFIG
    text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
    return load_config(Source(bundle.CONFIG, text), root)


def _policy(catalogue: Catalogue, rule: str) -> Policy:
    policy = catalogue.get(rule)
    assert policy is not None
    return policy


def _about_objects(catalogue: Catalogue, rule: str) -> bool:
    return "kubernetes" in _policy(catalogue, rule).targets


def _rule(policy: Policy, said: RuleSettings, file: str) -> Rule:
    """An admission policy of another engine says itself which requests it is about, and is asked about all."""
    if policy.category != _ADMISSION:
        return Rule(policy.id, said.severity, kinds=kinds_of(policy))
    every = frozenset({"*", ""})
    return Rule(policy.id, said.severity, "fail", every, every, None, own_matches(policy, file))


class _Reviewed(AdmittedObject):
    """An object whose text says that its annotations may suppress findings: whoever suppresses asks the text first."""

    __slots__ = ()

    @property
    def source(self) -> Source:
        return _MAY_SUPPRESS


def _document(subject: Mapping[str, Any], review: Review) -> AdmittedObject:
    """The subject where the request says it is: what it says itself of its namespace does not count."""
    request = {**review.request, "object": review.object, "oldObject": review.old_object}
    return _Reviewed(subject, review.kind.api_version, review.kind.name, review.name, review.namespace, request=request)


def _other(obj: Mapping[str, Any]) -> AdmittedObject:
    metadata = obj.get("metadata") or {}
    return AdmittedObject(obj, obj["apiVersion"], obj["kind"], metadata.get("name", ""), metadata.get("namespace", ""))


def _expanded(settings: Settings, catalogue: Catalogue) -> Settings:
    """Categories and peers' names in the section to rule ids. Raises UsageError for names of nothing."""
    problems: list[Problem] = []

    def of(name: str) -> tuple[str, ...]:
        found = catalogue.resolve(name)
        if not found and name not in ABOUT_FILES:
            problems.append(Problem(f"no rule or category is called `{name}`", "webhook", "see `policykit rules`"))
        return found

    def ids(said: Mapping[str, Any]) -> dict[str, Any]:
        return {rule: value for name, value in said.items() for rule in of(name)}

    expanded = replace(
        settings,
        rules=ids(settings.rules),
        ignore=tuple(rule for name in settings.ignore for rule in of(name)),
        on_error=ids(settings.on_error),
        namespaces=tuple(replace(entry, rules=ids(entry.rules)) for entry in settings.namespaces),
    )
    if problems:
        raise UsageError(*problems)
    return expanded

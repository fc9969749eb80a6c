"""The same objects to a Helm chart: with references to the chart's values where an installation may choose.

The templates are generated, so that the chart and the plain manifests cannot drift apart; values, schema and notes
are written by hand beside them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit_webhook.install import access, certificate_objects, monitoring, webhooks, workload
from policykit_webhook.install.choices import CONFIGURATIONS, Choices
from policykit_webhook.install.render import dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from policykit_webhook.decision import Policies

#: `⟦x⟧` becomes a reference within a text, `⟪x⟫` one that stands for the whole value (a number, or JSON).
_MARKS = str.maketrans({"⟦": "{{", "⟧": "}}", "⟪": "{{", "⟫": "}}"})
_WHOLE = re.compile(r"'(⟪[^⟫]*⟫)'|\"(⟪[^⟫]*⟫)\"")
_TEXT = re.compile(r"(?m)(: |- )⟦ ([^⟧|]*) ⟧$")
_BUNDLE = re.compile(r"^( *)caBundle: ⟪([^⟫]*)⟫$", re.MULTILINE)

_VALUES = Choices(
    namespace="⟦ .Release.Namespace ⟧",
    image="⟦ .Values.image.repository ⟧:⟦ .Values.image.tag | default .Chart.AppVersion ⟧",
    replicas="⟪ .Values.replicas ⟫",
    resources="⟪ toJson .Values.resources ⟫",
    secret="⟦ .Values.certificates.secret ⟧",  # noqa: S106
    ca_bundle="⟪ .Values.certificates.caBundle ⟫",
    watch="⟪ .Values.watch ⟫",
    watch_argument="--⟦ if not .Values.watch ⟧no-⟦ end ⟧watch-cluster",
    config="⟪ toJson (toYaml .Values.config) ⟫",
    policies="⟪ toJson .Values.policies ⟫",
    timeout="⟪ .Values.webhooks.timeoutSeconds ⟫",
    annotations="⟪ toJson .Values.podAnnotations ⟫",
    node_selector="⟪ toJson .Values.nodeSelector ⟫",
    tolerations="⟪ toJson .Values.tolerations ⟫",
)
_INJECT = (
    '⟪ if eq .Values.certificates.by "cert-manager" ⟫{"cert-manager.io/inject-ca-from": '
    '"⟪ .Release.Namespace ⟫/policykit-webhook"}⟪ else ⟫{}⟪ end ⟫'
)


def templates() -> Mapping[str, str]:
    """File names in `templates/` and their texts."""
    by = "if eq .Values.certificates.by"
    made = {
        "access.yaml": _file(access.objects(_VALUES)),
        "watch.yaml": _file(access.watching(_VALUES), "if .Values.watch"),
        "certificates.yaml": _file(certificate_objects.controller(_VALUES), f'{by} "self"'),
        "cert-manager.yaml": _file(certificate_objects.cert_manager(_VALUES), f'{by} "cert-manager"'),
        "server.yaml": _file(workload.objects(_VALUES)),
        "monitoring.yaml": _file(monitoring.objects(_VALUES), "if .Values.monitoring"),
    }
    for hook in CONFIGURATIONS:
        config = webhooks.configuration(hook, f"⟪ toJson .Values.webhooks.{hook} ⟫", _VALUES)
        config["metadata"]["annotations"] = _INJECT
        made[f"{hook}.yaml"] = _file([config], f"if .Values.webhooks.{hook}")
    return made


def write(chart: Path, policies: Policies) -> None:
    """Writes the templates, and the rules that the loaded policies ask for, into a chart's directory."""
    for name, text in templates().items():
        (chart / "templates" / name).write_text(text, encoding="utf-8")
    path = chart / "values.yaml"
    values = path.read_text(encoding="utf-8")
    for hook in CONFIGURATIONS:
        rules = dump({"rules": webhooks.hook_rules(policies, hook)}).partition("\n")[2] if policies.hooks[hook] else ""
        text = "".join(f"    {line}\n" for line in rules.splitlines())
        values = re.sub(
            rf"(?ms)^  {hook}:.*?(?=^  \w|^\w|^ *#|\Z)", f"  {hook}:\n{text}" if text else f"  {hook}: []\n", values
        )
    path.write_text(values, encoding="utf-8")


def _file(objects: Iterable[dict[str, Any]], condition: str = "") -> str:
    text = "---\n".join(_template(obj) for obj in objects)
    return f"{{{{- {condition} }}}}\n{text}{{{{- end }}}}\n" if condition else text


def _template(obj: dict[str, Any]) -> str:
    text = dump(obj).replace("{{", '{{ "{{" }}')
    text = _WHOLE.sub(lambda match: match[1] or match[2], text)
    text = text.replace(f"annotations: '{_INJECT}'", f"annotations: {_INJECT}")
    text = _TEXT.sub(r"\1{{ \2 | quote }}", text)  # a namespace may be called 123
    text = _BUNDLE.sub(r"\1{{- with\2}}\n\1caBundle: {{ . }}\n\1{{- end }}", text)
    return text.translate(_MARKS)

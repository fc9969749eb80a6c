"""The complete list of warnings that BuildKit gives for a file: rule, line, and what its message says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.views.project import Facts
from tests.conformance.harness import Comparison, check, equivalents, peer_rules, read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policykit.finding import Finding
    from tests.conformance.harness import Checked

#: Checks that run only where `# check=experimental=` names them.
EXPERIMENTAL = {"InvalidDefinitionDescription"}
#: Checks that BuildKit makes while it builds: it never sees the stages that the target does not need; we judge all.
WHILE_BUILDING = {
    "CopyIgnoredFile",
    "ExposeInvalidFormat",
    "ExposeProtoCasing",
    "JSONArgsRecommended",
    "LegacyKeyValueFormat",
    "MultipleInstructionsDisallowed",
    "SecretsUsedInArgOrEnv",
    "UndefinedVar",
    "WorkdirRelativePath",
}
CHECKS = [
    "ConsistentInstructionCasing",
    "CopyIgnoredFile",
    "DuplicateStageName",
    "ExposeInvalidFormat",
    "ExposeProtoCasing",
    "FromAsCasing",
    "FromPlatformFlagConstDisallowed",
    "InvalidBaseImagePlatform",
    "InvalidDefaultArgInFrom",
    "InvalidDefinitionDescription",
    "JSONArgsRecommended",
    "LegacyKeyValueFormat",
    "MaintainerDeprecated",
    "MultipleInstructionsDisallowed",
    "NoEmptyContinuation",
    "RedundantTargetPlatform",
    "ReservedStageName",
    "SecretsUsedInArgOrEnv",
    "StageNameCasing",
    "UndefinedArgInFrom",
    "UndefinedVar",
    "WorkdirRelativePath",
]
CHECK_ARGUMENT = "build-arg:BUILDKIT_DOCKERFILE_CHECK"
_CHECK = re.compile(r"(?m)\A((?:\s*#.*\n)*?)\s*#\s*check\s*=.*$")
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"|`([^`]+)`|\$\{?(\w+)")


def text_of(case: Mapping[str, Any]) -> str:
    """The Dockerfile; a check configuration given as a build argument takes the place of the one in the file."""
    override = (case["attrs"] or {}).get(CHECK_ARGUMENT)
    text: str = case["input"]
    return text if override is None else _CHECK.sub(lambda match: f"{match[1]}#check={override}", text)


def facts_of(case: Mapping[str, Any]) -> Facts:
    given = {name.removeprefix("build-arg:"): value for name, value in (case["attrs"] or {}).items()}
    return Facts(build_args={name: value for name, value in given.items() if name != CHECK_ARGUMENT.partition(":")[2]})


def rules_for(text: str) -> dict[str, str]:
    """Our rules and BuildKit's names for them; each of ours stands for one."""
    experimental = re.search(r"(?m)^\s*#\s*check\s*=.*experimental=([^;\n]*)", text)
    named = experimental[1].replace(" ", "").split(",") if experimental else []
    return {
        ours: rule
        for rule, names in peer_rules("buildkit").items()
        if rule not in EXPERIMENTAL or rule in named or "all" in named
        for ours in names
    }


def lines_of(finding: Finding, checked: Checked) -> set[int]:
    """The line of a finding, and that of its instruction: BuildKit names the instruction, we the word."""
    document = checked.project.documents[0].data
    line = finding.span.line
    return {line} | {i.first_line for i in document.instructions if i.first_line <= line <= i.last_line}


def agree(warning: Mapping[str, Any], rule: str, finding: Finding, checked: Checked) -> bool:
    """The same rule and line, and every value in BuildKit's message is in ours."""
    values = [next(filter(None, match.groups())) for match in _QUOTED.finditer(warning["detail"])]
    values = [word for value in values for word in re.split(r"[^\w/.:$@-]+|(?<=\w)=", value) if word]
    return (
        warning["rule"] == rule
        and warning["line"] in lines_of(finding, checked)
        and all(value in finding.message for value in values)
    )


def needed_stages(checked: Checked) -> set[int]:
    """The stages that a build of the last one needs, by index."""
    build = checked.project.build(checked.project.documents[0].data)
    open_, needed = [build.target()], set()
    while open_:
        stage = open_.pop()
        if stage is None or stage.index in needed:
            continue
        needed.add(stage.index)
        open_.append(build.parent(stage))
        for instruction in stage.instructions:
            flags = instruction.flags
            open_ += [build.source(f.value.text) for f in flags if f.name.text == "from" and f.value is not None]
            options = (flag.option("from") for flag in flags)
            open_ += [build.source(option.value.text) for option in options if option and option.value]
    return needed


def is_built(finding: Finding, rule: str, checked: Checked) -> bool:
    """Whether BuildKit comes across what a finding is about."""
    document = checked.project.documents[0].data
    build = checked.project.build(document)
    at = next((i for i in document.instructions if i.first_line <= finding.span.line <= i.last_line), None)
    stage = build.stage(at) if at is not None else None
    return rule not in WHILE_BUILDING or stage is None or stage.index in needed_stages(checked)


def difference(case: Mapping[str, Any]) -> str:
    files = {"Dockerfile": text_of(case)}
    if case["dockerignore"]:
        files[".dockerignore"] = case["dockerignore"]
    names = rules_for(files["Dockerfile"])
    checked = check(files, names, facts=facts_of(case))
    left = [finding for finding in checked.findings if is_built(finding, names[finding.rule], checked)]
    lacking = []
    for warning in case["expect"]["warnings"]:
        match = next((f for f in left if agree(warning, names[f.rule], f, checked)), None)
        if match is None:
            lacking.append(warning)
        else:
            left.remove(match)
    said = [f"lacks {w['rule']} in line {w['line']}: {w['detail']}" for w in lacking]
    said += [f"has {names[f.rule]} in line {f.span.line}: {f.message}" for f in left]
    return "; ".join(said)


def test_warnings_are_those_of_buildkit() -> None:
    comparison = Comparison("buildkit_lint")
    for case in read_cases("dockerfile/buildkit_lint.jsonl"):
        comparison.record(case, difference(case))
    comparison.conclude()


def test_each_policy_stands_for_one_check() -> None:
    ours = [name for names in peer_rules("buildkit").values() for name in names]
    assert len(ours) == len(set(ours))


def test_every_check_of_buildkit_has_a_policy() -> None:
    assert [name for name in CHECKS if not equivalents("buildkit", name)] == []

"""Policy files and objects to verdicts, without a folder: what the tests of admission policies share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from policykit.admission.check import AdmissionCheck
from policykit.admission.policies import read_admission_policies
from policykit.document import Source
from policykit.parse.kubernetes import parse_manifests
from policykit.views.project import Facts, Project
from policykit.views.read import read_project
from policykit.views.registry import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policykit.catalogue.outcome import Outcome
    from policykit.document import Document

#: The name of the file that is judged.
JUDGED = "judged.yaml"


def checks(*texts: str) -> list[AdmissionCheck]:
    """The policies in files of these texts; fails where anything is wrong with them."""
    admissions, problems = read_admission_policies(parsed(*texts))
    assert not problems, "\n".join(map(str, problems))
    return [AdmissionCheck(admission.policy, admission.dump) for admission in admissions]


def problems(*texts: str) -> list[str]:
    """What is wrong with the policies in files of these texts."""
    return [str(problem) for problem in read_admission_policies(parsed(*texts))[1]]


def parsed(*texts: str) -> list[Any]:
    """The objects in files of these texts, called policy0.yaml, policy1.yaml, ..."""
    return [
        obj
        for index, text in enumerate(texts)
        for obj in parse_manifests(Source(f"policy{index}.yaml", text, "kubernetes")).objects
    ]


def project(text: str, others: Iterable[str] = (), facts: Facts | None = None) -> Project:
    """A project of the file that is judged and of others beside it."""
    sources = [Source(JUDGED, text, "kubernetes")]
    sources += [Source(f"other{index}.yaml", other, "kubernetes") for index, other in enumerate(others)]
    return read_project(sources, facts or Facts(), lambda _: None)


def judge(check: AdmissionCheck, text: str, *others: str, facts: Facts | None = None) -> list[Outcome]:
    """What a policy says of the objects in a file."""
    whole = project(text, others, facts)
    return [o for d in whole.documents if d.source.name == JUDGED for o in judge_document(check, d, whole)]


def judge_document(check: AdmissionCheck, document: Document, whole: Project) -> list[Outcome]:
    """What a policy says of one object."""
    subjects = VIEWS["object"].subjects("kubernetes")
    assert subjects is not None
    return [outcome for subject in subjects(document, whole) for outcome in check.judge(subject, whole, {})]


def manifest(*objects: dict[str, Any]) -> str:
    """Objects as the text of a file (JSON is YAML)."""
    return "\n---\n".join(json.dumps(obj, indent=1) for obj in objects)

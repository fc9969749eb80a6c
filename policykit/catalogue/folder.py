"""A folder of policy files into entries of the catalogue, compiled once for each state of the folder."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import policykit
from policykit import stored
from policykit.cel.program import FORMAT
from policykit.disk import Disk
from policykit.document import Source
from policykit.errors import Problem, UsageError
from policykit.policy import NamedExpression, Policy, Validation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policykit.parse.kubernetes import KubernetesObject


class Entry(NamedTuple):
    """A policy, the digest of its text, its compiled expressions, and the file it stands in.

    `form` tells what the programs are for: `policy` for `PolicyCheck`, `admission` for `AdmissionCheck`.
    """

    policy: Policy
    digest: str
    form: str
    programs: Any
    file: str


class PolicyText(NamedTuple):
    """A policy file as it was read; `category` is the folder it lies in, "" at the top."""

    path: Path
    content: bytes
    category: str


def builtin_folder() -> Path:
    """Where the built-in policies are: inside the installed package, or beside it in a checkout."""
    package = Path(policykit.__file__).parent
    installed = package / "_policies"
    return installed if installed.is_dir() else package.parent / "policies"


def load_folder(folder: Path, cache: Path | None, disk: Disk) -> tuple[list[Entry], list[Problem]]:
    """Every policy below `folder`, and every problem of those that could not be loaded."""
    sources = policy_files(folder, disk)
    if not sources:
        return [], [Problem("no policy in this folder", str(folder), "policies are files that end in .yaml")]
    file = str(cache / f"policies-{_key(sources)}.bin") if cache else ""
    if file and (kept := stored.load(file)):
        return [Entry(_policy(fields), *rest) for fields, *rest in kept], []
    entries, problems = _compile(sources)
    if file and not problems:
        stored.store(file, [(_fields(entry.policy), *entry[1:]) for entry in entries])
    return entries, problems


def policy_files(folder: Path, disk: Disk = Disk()) -> list[PolicyText]:  # noqa: B008  it has no state
    """The policy files below `folder`, by name. UsageError where they cannot be read."""
    try:
        return [_policy_text(folder, Path(path), content) for path, content in disk.tree(str(folder))]
    except OSError as error:
        raise UsageError(Problem(f"cannot read the policies: {error.strerror}", str(folder))) from None


def _policy_text(folder: Path, path: Path, content: bytes) -> PolicyText:
    return PolicyText(path, content, path.parent.name if path.parent != folder else "")


def _compile(sources: Sequence[PolicyText]) -> tuple[list[Entry], list[Problem]]:
    from policykit.catalogue.compiler import compile_policy
    from policykit.catalogue.schema import is_policy_text, read_policy

    entries: list[Entry] = []
    problems: list[Problem] = []
    foreign: list[Source] = []
    for path, content, category in sources:
        try:
            source = Source(str(path), content.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            problems.append(Problem(f"not UTF-8: {error.reason}", str(path)))
            continue
        if not is_policy_text(source):
            foreign.append(source)
            continue
        file, wrong = read_policy(source, path.stem, category)
        if file is not None and not wrong:
            programs, wrong = compile_policy(file)
            entries.append(Entry(file.policy, _digest(source), "policy", programs, str(path)))
        problems += wrong
    if foreign:
        found, wrong = _compile_admission(foreign)
        entries += found
        problems += wrong
    return entries, problems


def _compile_admission(sources: Sequence[Source]) -> tuple[list[Entry], list[Problem]]:
    """Files that are not of this project's kind: the policies of Kubernetes and of other engines, or a mistake."""
    from policykit.admission.policies import read_admission_policies
    from policykit.parse.kubernetes import parse_manifests

    problems: list[Problem] = []
    objects: list[KubernetesObject] = []
    for source in sources:
        manifests = parse_manifests(source)
        objects += manifests.objects
        problems += [Problem(e.message, f"{source.name}:{e.line}:{e.column}") for e in manifests.problems]
        problems += [Problem(n.reason, f"{source.name}:{n.span.line}:{n.span.column}") for n in manifests.not_evaluated]
        if not (manifests.objects or manifests.problems or manifests.not_evaluated):
            problems.append(Problem("this is no policy", source.name, "a policy has apiVersion and kind"))
    digests = {source.name: _digest(source) for source in sources}
    admissions, wrong = read_admission_policies(objects)
    entries = [Entry(a.policy, digests[a.file], "admission", a.dump, a.file) for a in admissions]
    return entries, problems + wrong


def _digest(source: Source) -> str:
    return hashlib.sha256(source.text.encode()).hexdigest()


def _key(sources: Sequence[PolicyText]) -> str:
    """What the compiled form depends on: the texts, this version, and the interpreter that made the code."""
    digest = hashlib.sha256(f"{policykit.__version__} {FORMAT} {Policy._fields} {sys.version}".encode())
    for path, content, _ in sources:
        digest.update(f"\n{path} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


_EXPRESSIONS = {"validations": Validation, "variables": NamedExpression, "match_conditions": NamedExpression}


def _fields(policy: Policy) -> dict[str, Any]:
    """A policy as plain values, which is all that marshal knows."""
    return policy._asdict() | {name: [item._asdict() for item in getattr(policy, name)] for name in _EXPRESSIONS}


def _policy(fields: dict[str, Any]) -> Policy:
    for name, type_ in _EXPRESSIONS.items():
        fields[name] = tuple(type_(**item) for item in fields[name])
    return Policy(**fields)

"""The built-in policies: whole, with examples that hold, and nothing astray in their folder."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from policykit.catalogue import Catalogue, load_catalogue
from policykit.catalogue.examples import missing_examples, read_examples, run_examples
from policykit.catalogue.folder import builtin_folder

if TYPE_CHECKING:
    from policykit.catalogue.schema import PolicyFile

FILES = read_examples()


@cache
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.mark.parametrize("file", FILES, ids=[file.policy.id for file in FILES])
def test_examples_hold(file: PolicyFile) -> None:
    assert [str(problem) for problem in run_examples(file, catalogue())] == []


@pytest.mark.parametrize("file", FILES, ids=[file.policy.id for file in FILES])
def test_a_policy_is_complete(file: PolicyFile) -> None:
    assert list(missing_examples(file)) == []
    policy = file.policy
    assert policy.rationale
    assert policy.fix
    assert policy.since
    assert not policy.summary.endswith(".")
    assert policy.validations


def test_every_file_in_the_folder_is_a_policy() -> None:
    strays = [path for path in builtin_folder().rglob("*") if path.is_file() and path.suffix != ".yaml"]
    assert strays == []
    assert len(catalogue().policies) == len(FILES) == sum(1 for _ in builtin_folder().rglob("*.yaml"))


def test_the_five_that_were_asked_for_block_by_default() -> None:
    for rule in (
        "image-explicit-tag",
        "run-as-non-root",
        "resource-limits-missing",
        "resource-requests-missing",
        "namespace-default-deny-missing",
        "image-untrusted-registry",
    ):
        policy = catalogue().get(rule)
        assert policy is not None
        assert (policy.severity, policy.enabled) == ("error", True)

"""Each function is there from the Kubernetes version on that its overload says, by the word of the API server."""

from __future__ import annotations

import pytest

from policykit.cel.library import cidr, ip, quantity, semver
from policykit.cel.library import format as formats
from tests.cel.library import test_cidr, test_format, test_ip, test_quantity, test_semver
from tests.oracle import Oracle, oracle_or_skip


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


@pytest.mark.parametrize(
    ("library", "expressions"),
    [
        (ip, test_ip.FUNCTIONS),
        (cidr, test_cidr.FUNCTIONS),
        (quantity, test_quantity.FUNCTIONS),
        (semver, test_semver.FUNCTIONS),
        (formats, test_format.FUNCTIONS),
    ],
)
def test_since(oracle: Oracle, library: object, expressions: dict[str, object]) -> None:
    (since,) = {overload.since for overload in library.FUNCTIONS}  # type: ignore[attr-defined]
    versions = [f"{since[0]}.{since[1] - 1}", f"{since[0]}.{since[1]}"]
    arguments = {"a": "dyn", "b": "dyn", "c": "dyn"}
    for expression in expressions:
        before, after = oracle.ask(
            {"expr": expression, "version": version, "variables": arguments} for version in versions
        )
        assert "compile_error" in before, expression
        assert "compile_error" not in after, expression

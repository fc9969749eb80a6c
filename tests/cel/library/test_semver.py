"""Semantic versions, against the API server."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.cel.errors import EvaluationError
from policykit.cel.library import semver
from tests.cel.library.differential import Functions, assert_same, some_examples
from tests.oracle import Oracle, oracle_or_skip

numbers = st.sampled_from(
    ["0", "1", "2", "10", "01", "00", "", "a", "-1", "18446744073709551615", "9" * 20, "9" * 30, "é", "٣"]
)
pieces = st.sampled_from(["alpha", "beta", "1", "2", "10", "01", "", "rc-1", "x_y", "A", "9" * 25])
tails = st.lists(pieces, min_size=1, max_size=3).map(".".join)
versions = st.one_of(
    st.builds("{}.{}.{}".format, numbers, numbers, numbers),
    st.builds("{}.{}.{}-{}".format, numbers, numbers, numbers, tails),
    st.builds("{}.{}.{}-{}+{}".format, numbers, numbers, numbers, tails, tails),
    st.builds("v{}.{}".format, numbers, numbers),
    st.builds("1.2.3-{}".format, tails),
    st.builds("1.2.3+{}".format, tails),
    st.lists(numbers, max_size=5).map(".".join),
    st.text("v0123456789.-+ab ", max_size=10),
)

FUNCTIONS: Functions = {
    "semver(a)": lambda a, b: semver.semver(a),
    "semver(a, true)": lambda a, b: semver.semver_normalize(a, True),
    "semver(a, false)": lambda a, b: semver.semver_normalize(a, False),
    "isSemver(a)": lambda a, b: semver.is_semver(a),
    "isSemver(a, true)": lambda a, b: semver.is_semver_normalize(a, True),
    "semver(a, true).major()": lambda a, b: semver.major(semver.semver_normalize(a, True)),
    "semver(a, true).minor()": lambda a, b: semver.minor(semver.semver_normalize(a, True)),
    "semver(a, true).patch()": lambda a, b: semver.patch(semver.semver_normalize(a, True)),
    "semver(a).compareTo(semver(b))": lambda a, b: semver.compare_to(semver.semver(a), semver.semver(b)),
    "semver(a).isGreaterThan(semver(b))": lambda a, b: semver.is_greater_than(semver.semver(a), semver.semver(b)),
    "semver(a).isLessThan(semver(b))": lambda a, b: semver.is_less_than(semver.semver(a), semver.semver(b)),
    "semver(a) == semver(b)": lambda a, b: semver.semver(a) == semver.semver(b),
}


def test_precedence() -> None:
    ordered = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.10.0"
    parsed = [semver.semver(text) for text in ordered.split()]
    for earlier, later in pairwise(parsed):
        assert semver.is_less_than(earlier, later)
    assert semver.semver("1.0.0+a") == semver.semver("1.0.0+b")


def test_normalize() -> None:
    assert str(semver.semver_normalize("v01.02", True)) == "1.2.0"
    with pytest.raises(EvaluationError, match="No Major"):
        semver.semver("1.0")
    with pytest.raises(EvaluationError, match="short version cannot contain PreRelease"):
        semver.semver_normalize("1.0-rc", True)


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


@some_examples
@given(st.lists(st.tuples(versions, versions), min_size=20, max_size=40))
def test_as_the_api_server(oracle: Oracle, cases: list[tuple[str, str]]) -> None:
    assert_same(oracle, FUNCTIONS, list(cases))

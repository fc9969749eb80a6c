"""Quantities, against k8s.io/apimachinery by way of the API server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.cel.errors import BudgetError, EvaluationError
from policykit.cel.library import quantity as q
from policykit.cel.library.quantity import Quantity
from tests.cel.library.differential import Functions, assert_same, some_examples
from tests.oracle import Oracle, oracle_or_skip

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
ODD_SUFFIXES = [
    "K",
    "mi",
    "e3",
    "E-3",
    "e+20",
    "e30",
    "e-12",
    "e",
    "e5.",
    "ki",
    "ee1",
    "x",
    "i",
    "3k",
    "e99999999999999999999",
]
digits = st.sampled_from(
    ["", "0", "1", "5", "007", "100", "1000", "1024", "999", "123456789", "9" * 18, "9" * 19, "1" * 25]
)
numbers = st.builds("{}{}{}{}".format, st.sampled_from(["", "-", "+"]), digits, st.sampled_from(["", ".", "."]), digits)
quantities = st.one_of(
    st.builds("{}{}".format, numbers, st.sampled_from(SUFFIXES)),
    st.builds("{}{}".format, numbers, st.sampled_from(ODD_SUFFIXES)),
    st.builds("{}{}".format, st.integers(0, 2**64), st.sampled_from(SUFFIXES)),
    st.text("0123456789.+-eEinumkKMGTP ", max_size=8),
)
integers = st.sampled_from([0, 1, -1, 1000, 2**63 - 1, -(2**63)]) | st.integers(-(2**63), 2**63 - 1)

FUNCTIONS: Functions = {
    "quantity(a)": lambda a, b, c: q.quantity(a),
    "isQuantity(a)": lambda a, b, c: q.is_quantity(a),
    "sign(quantity(a))": lambda a, b, c: q.sign(q.quantity(a)),
    "quantity(a).isInteger()": lambda a, b, c: q.is_integer(q.quantity(a)),
    "quantity(a).asInteger()": lambda a, b, c: q.as_integer(q.quantity(a)),
    "quantity(a).asApproximateFloat()": lambda a, b, c: q.as_approximate_float(q.quantity(a)),
    "quantity(a).add(quantity(b))": lambda a, b, c: q.add(q.quantity(a), q.quantity(b)),
    "quantity(a).sub(quantity(b))": lambda a, b, c: q.sub(q.quantity(a), q.quantity(b)),
    "quantity(a).add(int(c))": lambda a, b, c: q.add_integer(q.quantity(a), c),
    "quantity(a).sub(int(c))": lambda a, b, c: q.sub_integer(q.quantity(a), c),
    "quantity(a).add(quantity(b)).isInteger()": lambda a, b, c: q.is_integer(q.add(q.quantity(a), q.quantity(b))),
    "quantity(a).compareTo(quantity(b))": lambda a, b, c: q.compare_to(q.quantity(a), q.quantity(b)),
    "quantity(a).isGreaterThan(quantity(b))": lambda a, b, c: q.is_greater_than(q.quantity(a), q.quantity(b)),
    "quantity(a).isLessThan(quantity(b))": lambda a, b, c: q.is_less_than(q.quantity(a), q.quantity(b)),
    "quantity(a) == quantity(b)": lambda a, b, c: q.quantity(a) == q.quantity(b),
    "quantity(a).add(int(c)) == quantity(b)": lambda a, b, c: q.add_integer(q.quantity(a), c) == q.quantity(b),
    "quantity(a) == quantity(b).add(int(c))": lambda a, b, c: q.quantity(a) == q.add_integer(q.quantity(b), c),
}


@pytest.mark.parametrize(
    ("first", "second"), [("1", "1000m"), ("1Ki", "1024"), ("1.5Gi", "1536Mi"), ("1e3", "1k"), ("0", "-0n"), (".", "0")]
)
def test_equal_quantities(first: str, second: str) -> None:
    assert q.quantity(first) == q.quantity(second)
    assert hash(q.quantity(first)) == hash(q.quantity(second))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must match the regular expression"),
        ("1x", "must match the regular expression"),
        ("1ki", "parse quantity's suffix"),
    ],
)
def test_errors(text: str, problem: str) -> None:
    assert not q.is_quantity(text)
    with pytest.raises(EvaluationError, match=problem):
        q.quantity(text)


def test_a_result_on_the_right_of_an_equality_has_no_answer() -> None:
    total = q.add_integer(q.quantity("1"), 1)
    assert total == q.quantity("2")
    with pytest.raises(EvaluationError, match="no such overload"):
        _ = q.quantity("2") == total


@pytest.mark.parametrize("other", ["1", "1e-2147483648", "1e2147483647"])
def test_huge_exponents_take_no_time(other: str) -> None:
    huge = q.quantity("1e2147483647")
    assert not q.is_integer(huge)
    with pytest.raises(BudgetError):
        q.add(huge, Quantity(3, 0))
    assert q.as_approximate_float(huge) == float("inf")
    assert q.is_quantity(other)


def test_many_digits_take_no_time() -> None:
    with pytest.raises(BudgetError):
        q.quantity("9" * 1_000_000)


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


@some_examples
@given(st.lists(st.tuples(quantities, quantities, integers), min_size=20, max_size=40))
def test_as_the_api_server(oracle: Oracle, cases: list[tuple[str, str, int]]) -> None:
    assert_same(oracle, FUNCTIONS, list(cases))

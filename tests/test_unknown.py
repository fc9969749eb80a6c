from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.cel import DYN, Environment
from policykit.unknown import HOLE, Unknown, merge
from policykit.views.images import image_fields
from policykit.views.types import IMAGE


def test_an_unknown_value_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError):
        bool(Unknown(("why",)))


def test_reasons_are_told_once() -> None:
    assert merge(Unknown(("a", "b")), Unknown(("b", "c"))).reasons == ("a", "b", "c")


@pytest.mark.parametrize(
    ("pattern", "text", "possible"),
    [
        (HOLE, "anything", True),
        (HOLE, "", True),
        (f"{HOLE}-alpine", "latest", False),
        (f"{HOLE}-alpine", "3-alpine", True),
        (f"3.{HOLE}", "3.12", True),
        (f"3.{HOLE}", "2.7", False),
        (f"a{HOLE}b{HOLE}c", "abc", True),
        (f"a{HOLE}b{HOLE}c", "ac", False),
        (f"ab{HOLE}bc", "abc", False),
    ],
)
def test_what_is_known_of_a_text_rules_others_out(pattern: str, text: str, possible: bool) -> None:
    unknown = Unknown(("why",), pattern)
    assert unknown.can_be(text) is possible
    for expression in ("x == y", "x in [y]", "y == x", "x in {y: true}"):
        result = Environment({"x": DYN, "y": DYN}).compile(expression).evaluate({"x": unknown, "y": text})
        assert result == (unknown if possible else False), expression


@given(st.lists(st.text(alphabet="ab", max_size=3), min_size=2, max_size=4), st.data())
def test_every_filling_of_the_holes_is_possible(pieces: list[str], data: st.DataObject) -> None:
    fillings = [data.draw(st.text(alphabet="abc", max_size=3)) for _ in pieces[1:]]
    text = pieces[0] + "".join(filling + piece for filling, piece in zip(fillings, pieces[1:], strict=True))
    assert Unknown(("why",), HOLE.join(pieces)).can_be(text)


def test_a_function_that_may_not_know_is_taken_at_its_word() -> None:
    """Fast code must not take an unknown result for a value that is not equal to another."""
    image = image_fields(Unknown(("why",), f"{HOLE}/app"), "FROM", "dockerfile")
    environment = Environment({"image": IMAGE}, libraries=("policykit.views.functions",))
    assert isinstance(environment.compile("image.isUnder(['ghcr.io'])").evaluate({"image": image}), Unknown)
    for expression in ("image.isUnder(['ghcr.io']) == true", "!(image.isUnder(['ghcr.io']) != true)"):
        assert isinstance(environment.compile(expression).evaluate({"image": image}), Unknown)

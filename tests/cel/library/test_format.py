"""Named formats, against the API server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.cel.library import format as formats
from policykit.cel.values import NONE
from tests.cel.library.differential import Functions, assert_same, some_examples
from tests.cel.library.test_url import urls
from tests.oracle import Oracle, oracle_or_skip

words = st.text("abz09AZ-_./é\n", max_size=8) | st.sampled_from(
    ["a" * 63, "a" * 64, "a" * 253, "b" * 254, "é" * 40, "a-", "é-"]
)
dates = st.builds(
    "{}-{}-{}".format,
    st.sampled_from(["2023", "2024", "1900", "2000", "0000", "99", "+2024", "٢٠٢٤"]),
    st.sampled_from(["01", "02", "12", "13", "00", "2", "11"]),
    st.sampled_from(["01", "28", "29", "30", "31", "32", "00", "1"]),
)
times = st.builds(
    "{}{}{}".format,
    st.sampled_from(["T", "t", " ", "", "TT"]),
    st.sampled_from(
        ["00:00:00", "23:59:59", "24:00:00", "12:60:00", "12:00:60", "1:00:00", "12:00:00.5", "12:00:00x123"]
    ),
    st.sampled_from(["Z", "z", "", "+01:00", "-99:99", "+0100", "Zt", "Z\n"]),
)
UUIDS = "123e4567-e89b-12d3-a456-426614174000 123E4567e89b12d3a456426614174000 123e4567-e89b-12d3-a456-42661417400g"
BASE64 = ["aGVsbG8=", "aGVsbG8", "aGVsbG8==", "====", "YQ==", "YWI=", "Y Q=", "aGVsbG8=\n", "a+/b", "a-_b"]
others = st.sampled_from([*BASE64, *UUIDS.split()])
texts = st.one_of(
    words, st.builds("{}/{}".format, words, words), dates, st.builds("{}{}".format, dates, times), others, urls
)

FUNCTIONS: Functions = {
    f"format.{name}().validate(a)": (lambda a, name=name: formats.validate(formats.FORMATS[name], a))
    for name in formats.FORMATS
} | {
    "format.named(a)": formats.named,
    "format.named('uuid').value() == format.uuid()": lambda a: formats.named("uuid").value == formats.FORMATS["uuid"],
    "format.date() == format.uuid()": lambda a: formats.FORMATS["date"] == formats.FORMATS["uuid"],
}


@pytest.mark.parametrize(
    ("name", "text", "valid"),
    [
        ("dns1123Label", "my-name", True),
        ("dns1123Label", "my-name\n", False),
        ("dns1123LabelPrefix", "my-name-", True),
        ("dns1035Label", "1a", False),
        ("labelValue", "", True),
        ("qualifiedName", "example.com/name", True),
        ("qualifiedName", "a/b/c", False),
        ("uuid", "123E4567-e89b-12d3-a456-426614174000", True),
        ("byte", "YQ==", True),
        ("byte", "YQ=", False),
        ("date", "2024-02-29", True),
        ("date", "2023-02-29", False),
        ("datetime", "2024-02-29T12:00:00Z", True),
        ("datetime", "2024-02-29T24:00:00Z", False),
        ("uri", "https://example.com/", True),
        ("uri", "example.com", False),
    ],
)
def test_validate(name: str, text: str, valid: bool) -> None:
    assert (formats.validate(formats.FORMATS[name], text) is NONE) is valid


def test_every_constant_has_its_own_function() -> None:
    keys = [overload.key for overload in formats.FUNCTIONS]
    assert len(set(keys)) == len(keys)
    for overload in formats.FUNCTIONS[1:-1]:
        assert overload.implementation() is formats.FORMATS[overload.name.removeprefix("format.")]


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


@some_examples
@given(st.lists(texts | st.sampled_from(sorted(formats.FORMATS)), min_size=20, max_size=40))
def test_as_the_api_server(oracle: Oracle, cases: list[str]) -> None:
    assert_same(oracle, FUNCTIONS, [(text,) for text in cases])

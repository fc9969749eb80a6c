"""Plain and tagged scalars against what sigs.k8s.io/yaml 1.6 and go.yaml.in/yaml/v4 make of them."""

from __future__ import annotations

import math

import pytest

from policykit.parse.yaml_scalars import COMPOSE, KUBERNETES, Scalar

#: Text; as Kubernetes sees it after its turn through JSON; as Compose sees it.
TABLE: list[tuple[str, Scalar, Scalar]] = [
    *((text, True, text) for text in ("on", "On", "ON", "yes", "Yes", "YES", "y", "Y")),
    *((text, False, text) for text in ("off", "Off", "OFF", "no", "No", "NO", "n", "N")),
    *((text, True, True) for text in ("true", "True", "TRUE")),
    *((text, False, False) for text in ("false", "False", "FALSE")),
    *((text, None, None) for text in ("", "~", "null", "Null", "NULL")),
    *(
        (text, text, text)
        for text in ("oN", "tRUE", "nuLL", "inf", "nan", "NaN", "Infinity", "=", "<<", "é", "٣", "１")
    ),
    # integers
    *((text, 511, 511) for text in ("0777", "0o777", "0O777", "+0777", "07_77")),
    *((text, 31, 31) for text in ("0x1F", "0X1F", "0x1_F")),
    *((text, 5, 5) for text in ("0b101", "+0b101")),
    *((text, 1000, 1000) for text in ("1000", "1_000", "+1000", "1__000")),
    ("-0777", -511, -511),
    ("-0x1F", -31, -31),
    ("-0b101", -5, -5),
    ("0777_0", 4088, 4088),
    ("1_", 1, 1),
    ("0", 0, 0),
    ("00", 0, 0),
    ("9223372036854775807", 2**63 - 1, 2**63 - 1),
    ("-9223372036854775808", -(2**63), -(2**63)),
    ("9223372036854775808", float(2**63), 2**63),
    ("18446744073709551616", float(2**64), float(2**64)),
    ("-9223372036854775809", -float(2**63), -float(2**63)),
    # floats: JSON has no integral ones
    ("08", 8, 8.0),
    ("09", 9, 9.0),
    *((text, 1000, 1000.0) for text in ("1e3", "1E3", "1.e3", "1e+3", "1.0e+3", "1_e3", "1e_3")),
    ("1.0", 1, 1.0),
    ("1.", 1, 1.0),
    ("12e03", 12000, 12000.0),
    ("-2E+05", -200000, -200000.0),
    ("1e20", 1e20, 1e20),
    ("0.5", 0.5, 0.5),
    (".5", 0.5, 0.5),
    ("-.5", -0.5, -0.5),
    ("+.5", 0.5, 0.5),
    ("1.5e-3", 0.0015, 0.0015),
    ("1_000.5", 1000.5, 1000.5),
    # texts that look like numbers
    *(
        (text, text, text)
        for text in (
            *("22:22", "1:20:30", "190:20:30.15", "1e400", "-1e400", "_1", "+-1", "0x", "0b", "0o8", "0b12", ".", ".."),
            *(".e3", "1.2.3", "1-2", "1,000", "0x1.8p1", "1p3", "00x1", "1e", "1e+", "e1", "+e1", "+.e1", "--", "+"),
            *("._5", "0.5e", "1i", "12k", "1Mi", "100m", "0d10", "2001-01-01", "2001-12-14t21:59:43.10-05:00"),
        )
    ),
]


@pytest.mark.parametrize(("text", "kubernetes", "compose"), TABLE, ids=[repr(row[0]) for row in TABLE])
def test_plain(text: str, kubernetes: Scalar, compose: Scalar) -> None:
    for rules, wanted in ((KUBERNETES, kubernetes), (COMPOSE, compose)):
        got = rules.plain(text)
        assert (got, type(got)) == (wanted, type(wanted)), rules.target


@pytest.mark.parametrize("text", [".inf", "+.INF", "-.inf", ".nan", ".NaN"])
def test_no_json_number(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        KUBERNETES.plain(text)
    value = COMPOSE.plain(text)
    assert isinstance(value, float)
    assert not math.isfinite(value)


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [
        ("str", "1", "1"),
        ("str", "", ""),
        ("int", "0777", 511),
        ("int", "3", 3),
        ("float", "3", 3),
        ("float", "1e3", 1000),
        ("bool", "on", True),
        ("null", "~", None),
        ("binary", "aGVs\n bG8=", "hello"),
        ("timestamp", "2001-01-01", "2001-01-01"),
        ("other", "1", "1"),
    ],
)
def test_tagged(tag: str, text: str, value: Scalar) -> None:
    assert KUBERNETES.tagged(f"tag:yaml.org,2002:{tag}", text) == value


def test_local_tag() -> None:
    assert KUBERNETES.tagged("!Ref", "1") == "1"


@pytest.mark.parametrize(
    ("tag", "text"),
    [("int", "abc"), ("int", "1.5"), ("int", "true"), ("bool", "1"), ("float", "abc"), ("null", "x"), ("binary", "??")],
)
def test_tagged_with_what_it_is_not(tag: str, text: str) -> None:
    with pytest.raises(ValueError, match="!!"):
        KUBERNETES.tagged(f"tag:yaml.org,2002:{tag}", text)


def test_only_yaml_1_1_words_are_true_to_kubernetes() -> None:
    with pytest.raises(ValueError, match="!!bool"):
        COMPOSE.tagged("tag:yaml.org,2002:bool", "on")


@pytest.mark.parametrize(("text", "key"), [("1.5", "1.5"), ("1000000.5", "1.0000005e+06"), ("1e300", "1e+300")])
def test_float_as_a_key(text: str, key: str) -> None:
    assert float(KUBERNETES.key(KUBERNETES.plain(text))) == pytest.approx(float(key))

"""Named formats: `format.named("dns1123Label")`, `validate` (k8s.io/apiserver `library/format.go`, Kubernetes 1.31).

The rules and their messages are those of k8s.io/apimachinery `util/validation` and k8s.io/kube-openapi `strfmt`. Like
them, everything here counts bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from policykit.cel.library import function, member
from policykit.cel.library.url import UrlError, check_request
from policykit.cel.types import STRING, ListType, OpaqueType, OptionalType
from policykit.cel.values import NONE, Optional

FORMAT = OpaqueType("kubernetes.NamedFormat")
SINCE = (1, 31)

#: What is wrong with a text, nothing where it is valid.
Check = Callable[[bytes], list[str]]


@dataclass(frozen=True, slots=True)
class Format:
    """A named rule; two are equal if their names are."""

    cel_type: ClassVar[str] = "kubernetes.NamedFormat"
    name: str
    check: Check

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


class _Rule:
    """A text of limited length that matches an expression."""

    def __init__(self, description: str, expression: str, examples: tuple[str, ...], limit: int, unit: str) -> None:
        self._expression = expression.encode()
        self._limit = limit
        self._too_long = f"must be no more than {limit} {unit}"
        # The comma before "or" stands there in Kubernetes' messages as well.
        listed = " or ".join(f"'{example}', " for example in examples)
        self.mismatch = f"{description} (e.g. {listed}regex used for validation is '{expression}')"

    def __call__(self, text: bytes) -> list[str]:
        problems = [self._too_long] if len(text) > self._limit else []
        return problems if re.fullmatch(self._expression, text) else [*problems, self.mismatch]


_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_ENDS = "must start and end with an alphanumeric character"
_NAME_CHARACTERS = f"consist of alphanumeric characters, '-', '_' or '.', and {_ENDS}"

_label_rule = _Rule(
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and {_ENDS}",
    _LABEL,
    ("my-name", "123-abc"),
    63,
    "characters",
)
_SUBDOMAIN = (
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and {_ENDS}",
    rf"{_LABEL}(\.{_LABEL})*",
    ("example.com",),
    253,
)
_dns1123_subdomain, _prefix_part = _Rule(*_SUBDOMAIN, "characters"), _Rule(*_SUBDOMAIN, "bytes")
_dns1035_label = _Rule(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    ("my-name", "abc-123"),
    63,
    "characters",
)
_label_value = _Rule(
    f"a valid label must be an empty string or {_NAME_CHARACTERS}",
    f"({_NAME})?",
    ("MyValue", "my_value", "12345"),
    63,
    "bytes",
)
_name_part = _Rule(f"must {_NAME_CHARACTERS}", _NAME, ("MyName", "my.name", "123-abc"), 63, "bytes")


def _dns1123_label(text: bytes) -> list[str]:
    """A subdomain that is no label has dots, which is said in fewer words."""
    problems = _label_rule(text)
    if _label_rule.mismatch in problems and _dns1123_subdomain.mismatch not in _dns1123_subdomain(text):
        problems[-1] = "must not contain dots"
    return problems


def _qualified_name(text: bytes) -> list[str]:
    """`prefix/name`, or a name alone."""
    *prefixes, name = text.split(b"/")
    if len(prefixes) > 1:
        advice = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {_name_part.mismatch} {advice}"]
    problems = []
    for prefix in prefixes:
        found = _prefix_part(prefix) if prefix else ["must be non-empty"]
        problems += [f"prefix part {problem}" for problem in found]
    found = _name_part(name) if name else ["must be non-empty", *_name_part(name)]
    return [*problems, *(f"name part {problem}" for problem in found)]


def _prefix(rule: Check) -> Check:
    """The rule for a name that something is appended to: it may end with a hyphen."""
    return lambda text: rule(text[:-2] + b"a" if len(text) > 1 and text.endswith(b"-") else text)


def _uri(text: bytes) -> list[str]:
    try:
        check_request(text)
    except UrlError as error:
        return [str(error)]
    return []


def _pattern(expression: bytes, problem: str) -> Check:
    return lambda text: [] if re.fullmatch(expression, text, re.IGNORECASE) else [problem]


_DATE = rb"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))"
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_date(text: bytes) -> bool:
    found = re.fullmatch(_DATE, text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] + leap


def _is_datetime(text: bytes) -> bool:
    date, separator, rest = text.decode("utf-8", "replace").lower().partition("t")
    time = re.fullmatch(_TIME, rest.partition("t")[0])
    if len(text) < 4 or not separator or not _is_date(date.encode()) or time is None:
        return False
    hour, minute, second = time.group(1, 2, 3)
    return hour <= "23" and minute <= "59" and second <= "59"


#: The name of a format in an expression -> the format.
FORMATS = {
    "dns1123Label": Format("DNS1123Label", _dns1123_label),
    "dns1123Subdomain": Format("DNS1123Subdomain", _dns1123_subdomain),
    "dns1035Label": Format("DNS1035Label", _dns1035_label),
    "qualifiedName": Format("QualifiedName", _qualified_name),
    "dns1123LabelPrefix": Format("DNS1123LabelPrefix", _prefix(_dns1123_label)),
    "dns1123SubdomainPrefix": Format("DNS1123SubdomainPrefix", _prefix(_dns1123_subdomain)),
    "dns1035LabelPrefix": Format("DNS1035LabelPrefix", _prefix(_dns1035_label)),
    "labelValue": Format("LabelValue", _label_value),
    "uri": Format("URI", _uri),
    "uuid": Format("uuid", _pattern(rb"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", "does not match the UUID format")),
    "byte": Format(
        "byte",
        _pattern(rb"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})", "invalid base64"),
    ),
    "date": Format("date", lambda text: [] if _is_date(text) else ["invalid date"]),
    "datetime": Format("datetime", lambda text: [] if _is_datetime(text) else ["invalid datetime"]),
}


def named(name: str) -> Optional:
    """The format of a name, if there is one."""
    return Optional(FORMATS[name]) if name in FORMATS else NONE


def validate(rule: Format, text: str) -> Optional:
    """What is wrong with a text; none where it is valid."""
    problems = rule.check(text.encode("utf-8", "replace"))
    return Optional(problems) if problems else NONE


def _constant(name: str) -> Callable[[], Format]:
    """The function `format.<name>()`."""

    def give() -> Format:
        return FORMATS[name]

    give.__name__ = name
    return give


FUNCTIONS = (
    function("format.named", (STRING,), OptionalType(FORMAT), named, since=SINCE),
    *(function(f"format.{name}", (), FORMAT, _constant(name), since=SINCE) for name in FORMATS),
    member("validate", (FORMAT, STRING), OptionalType(ListType(STRING)), validate, linear=True, since=SINCE),
)
#: `kubernetes.NamedFormat` is not an identifier of the language.
TYPES: dict[str, object] = {}
CLASSES = {"kubernetes.NamedFormat": Format}

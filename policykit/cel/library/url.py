"""URLs: `url`, `isURL`, `getHost` and their like (k8s.io/apiserver `library/urls.go`, in every version).

A URL is what Go's `net/url` takes for one, with its errors. Go works on bytes, so this does too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from policykit.cel.errors import EvaluationError
from policykit.cel.library import function, member
from policykit.cel.library.ip import AddressError, parse_address
from policykit.cel.quoting import quote
from policykit.cel.types import BOOL, STRING, ListType, MapType, OpaqueType

URL = OpaqueType("kubernetes.URL")

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
#: What stands for itself in a part of a URL, as Go writes it.
_PATH = _UNRESERVED | frozenset(b"$&+,/:;=@")
_HOST = _UNRESERVED | frozenset(b"!$&'()*+,;=:[]<>\"")
_USER = _UNRESERVED | frozenset(b"$&+,;=")
_FRAGMENT = _UNRESERVED | frozenset(b"$&+,/:;=?@!()*")
#: What a path or a fragment may hold unescaped although Go would escape it.
_TOLERATED = frozenset(b"!$&'()*+,;=:@[]%")
_USERINFO = _UNRESERVED | frozenset(b":!$&'()*+,;=%@")

_SCHEME = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_PORT = re.compile(rb"(:[0-9]*)?")
_MAX_QUERY_PARAMETERS = 10_000


class UrlError(ValueError):
    """A text is not a URL; the message is Go's."""


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL that functions ask for, and its normal text; equal if that is."""

    cel_type: ClassVar[str] = "kubernetes.URL"
    text: str
    scheme: str
    host: bytes
    escaped_path: str
    query: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text


class _Parts(NamedTuple):
    scheme: bytes
    opaque: bytes
    user: bytes | None
    host: bytes | None
    path: bytes
    query: bytes
    lone_question_mark: bool


def _unescape(text: bytes, plus: bytes = b"+") -> bytes:
    """`%41` -> `A`; `plus` is what `+` stands for."""
    _check_escapes(text)
    return re.sub(rb"%(..)", lambda found: bytes.fromhex(found[1].decode()), text.replace(b"+", plus), flags=re.DOTALL)


def _check_escapes(text: bytes) -> None:
    bad = re.search(rb"%(?![0-9A-Fa-f]{2}).{0,2}", text, re.DOTALL)
    if bad:
        raise UrlError(f"invalid URL escape {_quoted(bad[0])}")


def _unescape_host(text: bytes, zone: bool = False) -> bytes:
    """Escapes in a host are for bytes beyond ASCII, in a zone for anything a host may hold and blanks."""
    at = 0
    while at < len(text):
        if text[at] != 0x25:
            if text[at] < 0x80 and text[at] not in _HOST:
                raise UrlError(f"invalid character {quote(chr(text[at]))} in host name")
            at += 1
            continue
        escape = text[at : at + 3]
        _check_escapes(escape)
        value = int(escape[1:], 16)
        allowed = value == 0x20 or value in _HOST if zone else value >= 0x80
        if escape != b"%25" and not allowed:
            raise UrlError(f"invalid URL escape {_quoted(escape)}")
        at += 3
    return _unescape(text)


def _escape(raw: bytes, plain: frozenset[int]) -> bytes:
    return b"".join(bytes((byte,)) if byte in plain else b"%%%02X" % byte for byte in raw)


def _escaped(written: bytes, plain: frozenset[int]) -> bytes:
    """The escaped form of a path or fragment: as it was written, if that is a valid way to write it."""
    if all(byte in plain or byte in _TOLERATED for byte in written):
        return written
    return _escape(_unescape(written), plain)


def _quoted(raw: bytes) -> str:
    return quote(raw.decode("utf-8", "surrogateescape"))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _parse(raw: bytes, request: bool) -> _Parts:
    """The parts of a URL; `request` allows only what can stand in an HTTP request. Raises UrlError."""
    if any(byte < 0x20 or byte == 0x7F for byte in raw):
        raise UrlError("net/url: invalid control character in URL")
    if not raw and request:
        raise UrlError("empty url")
    if raw == b"*":
        return _Parts(b"", b"", None, None, raw, b"", False)
    scheme, rest = _split_scheme(raw)
    lone = rest.endswith(b"?") and rest.count(b"?") == 1
    rest, _, query = rest.partition(b"?")
    host = user = None
    if not rest.startswith(b"/"):
        if scheme:
            return _Parts(scheme, rest, None, None, b"", query, lone)
        if request:
            raise UrlError("invalid URI for request")
        if b":" in rest.split(b"/")[0]:
            raise UrlError("first path segment in URL cannot contain colon")
    if rest.startswith(b"//") and (scheme or not (request or rest.startswith(b"///"))):
        authority, slash, rest = rest[2:].partition(b"/")
        rest = slash + rest
        user, host = _split_authority(scheme, authority)
    _check_escapes(rest)
    return _Parts(scheme, b"", user, host, rest, query, lone)


def _split_scheme(raw: bytes) -> tuple[bytes, bytes]:
    if raw.startswith(b":"):
        raise UrlError("missing protocol scheme")
    found = _SCHEME.fullmatch(raw)
    return (found[1].lower(), found[2]) if found else (b"", raw)


def _split_authority(scheme: bytes, authority: bytes) -> tuple[bytes | None, bytes]:
    """The user, escaped as Go writes it, and the host with its port, unescaped."""
    info, at, host = authority.rpartition(b"@")
    host = _parse_host(scheme, host)
    if not at:
        return None, host
    if any(byte not in _USERINFO for byte in info):
        raise UrlError("net/url: invalid userinfo")
    user, colon, password = info.partition(b":")
    return _escape(_unescape(user), _USER) + colon + _escape(_unescape(password), _USER), host


def _parse_host(scheme: bytes, host: bytes) -> bytes:
    if b"[" in host:
        return _parse_ip_literal(host)
    colon = host.find(b":")
    if colon >= 0:
        # With other schemes a host with colons is tolerated, for the sake of database drivers.
        _check_port(host[colon if scheme in {b"http", b"https"} else host.rfind(b":") :])
    return _unescape_host(host)


def _parse_ip_literal(host: bytes) -> bytes:
    if host.rfind(b"[") > 0:
        raise UrlError("invalid IP-literal")
    close = host.rfind(b"]")
    if close < 0:
        raise UrlError("missing ']' in host")
    name, port = host[1:close], host[close + 1 :]
    _check_port(port)
    zone = name.find(b"%25")
    if zone >= 0:
        address = _unescape_host(name[:zone]) + _unescape_host(name[zone:], zone=True)
    else:
        address = _unescape_host(name)
    try:
        parsed, _ = parse_address(_text(address))
    except AddressError as error:
        raise UrlError(f"invalid host: {error}") from None
    if parsed.bits == 32:
        raise UrlError("invalid IP-literal")
    return b"[" + address + b"]" + port


def _check_port(port: bytes) -> None:
    if not _PORT.fullmatch(port):
        raise UrlError(f"invalid port {_quoted(port)} after host")


def _write(parts: _Parts, fragment: bytes) -> str:
    """The text of a URL in Go's normal form."""
    out = parts.scheme + b":" if parts.scheme else b""
    if parts.opaque:
        out += parts.opaque
    else:
        path = _escaped_path(parts)
        if parts.host or parts.user is not None or (parts.host is not None and parts.scheme and path):
            out += b"//" + (parts.user + b"@" if parts.user is not None else b"") + _escape(parts.host or b"", _HOST)
        if path and not path.startswith(b"/") and parts.host:
            out += b"/"
        out += (b"./" if not out and b":" in path.split(b"/")[0] else b"") + path
    if parts.query or parts.lone_question_mark:
        out += b"?" + parts.query
    return _text(out + (b"#" + _escaped(fragment, _FRAGMENT) if fragment else b""))


def _escaped_path(parts: _Parts) -> bytes:
    return parts.path if parts.path == b"*" else _escaped(parts.path, _PATH)


def url(text: str) -> Url:
    """The URL of a text. It must be absolute or begin with a slash."""
    raw = text.encode("utf-8", "replace")
    base, _, fragment = raw.partition(b"#")
    try:
        check_request(raw)
        parts = _parse_named(base, request=False)
        _check_fragment(raw, fragment)
    except UrlError as error:
        raise EvaluationError(f"URL parse error during conversion from string: {error}") from None
    path = _text(_escaped_path(parts))
    return Url(_write(parts, fragment), _text(parts.scheme), parts.host or b"", path, parts.query)


def check_request(raw: bytes) -> None:
    """Raises UrlError, worded as by Go's `url.ParseRequestURI`, where that refuses a text."""
    _parse_named(raw, request=True)


def _parse_named(raw: bytes, request: bool) -> _Parts:
    """As `_parse`; an error names the text."""
    try:
        return _parse(raw, request)
    except UrlError as error:
        raise UrlError(f"parse {_quoted(raw)}: {error}") from None


def _check_fragment(raw: bytes, fragment: bytes) -> None:
    try:
        _check_escapes(fragment)
    except UrlError as error:
        raise UrlError(f"parse {_quoted(raw)}: {error}") from None


def is_url(text: str) -> bool:
    """Whether `url` accepts a text, fragment aside."""
    try:
        check_request(text.encode("utf-8", "replace"))
    except UrlError:
        return False
    return True


def get_scheme(value: Url) -> str:
    """`https` of `https://host/`, in lower case."""
    return value.scheme


def get_host(value: Url) -> str:
    """The host with its port; an IPv6 address in brackets."""
    return _text(value.host)


def get_hostname(value: Url) -> str:
    """The host without port and brackets."""
    return _text(_split_port(value.host)[0])


def get_port(value: Url) -> str:
    """The port, empty where there is none."""
    return _text(_split_port(value.host)[1])


def _split_port(host: bytes) -> tuple[bytes, bytes]:
    name, colon, port = host.rpartition(b":")
    if not colon or not _PORT.fullmatch(colon + port):
        name, port = host, b""
    return name[1:-1] if name.startswith(b"[") and name.endswith(b"]") else name, port


def get_escaped_path(value: Url) -> str:
    """The path with escapes."""
    return value.escaped_path


def get_query(value: Url) -> dict[str, list[str]]:
    """The values of each parameter; what is not well-formed is left out."""
    parameters: dict[str, list[str]] = {}
    pairs = value.query.split(b"&")
    for pair in pairs if len(pairs) <= _MAX_QUERY_PARAMETERS else ():
        if not pair or b";" in pair:
            continue
        key, _, held = pair.partition(b"=")
        try:
            name, content = _unescape(key, b" "), _unescape(held, b" ")
        except UrlError:
            continue
        parameters.setdefault(_text(name), []).append(_text(content))
    return parameters


FUNCTIONS = (
    function("url", (STRING,), URL, url, linear=True),
    function("isURL", (STRING,), BOOL, is_url, linear=True),
    member("getScheme", (URL,), STRING, get_scheme),
    member("getHost", (URL,), STRING, get_host),
    member("getHostname", (URL,), STRING, get_hostname),
    member("getPort", (URL,), STRING, get_port),
    member("getEscapedPath", (URL,), STRING, get_escaped_path),
    member("getQuery", (URL,), MapType(STRING, ListType(STRING)), get_query, linear=True),
)
#: `kubernetes.URL` is not an identifier of the language.
TYPES: dict[str, object] = {}
CLASSES = {"kubernetes.URL": Url}

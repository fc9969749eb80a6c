"""IP addresses: `ip`, `isIP`, `family` and their like (k8s.io/apiserver `library/ip.go`, Kubernetes 1.30).

Addresses are read as Go's `net/netip` does, with its errors; zones and IPv4 addresses mapped into IPv6 are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policykit.cel.errors import EvaluationError
from policykit.cel.library import function, member
from policykit.cel.quoting import quote
from policykit.cel.types import BOOL, INT, STRING, OpaqueType

IP = OpaqueType("net.IP")
SINCE = (1, 30)


class AddressError(ValueError):
    """A text is not an address; the message is Go's."""


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 (`bits` 32) or IPv6 (`bits` 128) address as a number."""

    cel_type: ClassVar[str] = "net.IP"
    bits: int
    number: int

    def __str__(self) -> str:
        """The canonical text (RFC 5952)."""
        if self.bits == 32:
            return ".".join(str(self.number >> shift & 0xFF) for shift in (24, 16, 8, 0))
        return _compressed([self.number >> shift & 0xFFFF for shift in range(112, -1, -16)])

    def within(self, first: int, prefix_length: int) -> bool:
        """Whether the address is in the network that begins with `first`."""
        return (self.number ^ first) >> (self.bits - prefix_length) == 0


def _compressed(groups: list[int]) -> str:
    """The longest run of zeros, two at least, the first of equal ones, becomes `::`."""
    best, best_length = 0, 1
    for start in range(8):
        length = 0
        while start + length < 8 and groups[start + length] == 0:
            length += 1
        if length > best_length:
            best, best_length = start, length
    texts = [f"{group:x}" for group in groups]
    if best_length < 2:
        return ":".join(texts)
    return f"{':'.join(texts[:best])}::{':'.join(texts[best + best_length :])}"


def parse_address(text: str) -> tuple[Address, str]:
    """The address and zone of a text. Raises AddressError."""
    kind = next((char for char in text if char in ".:%"), "")
    if kind == ".":
        return Address(32, _parse_v4(text, text)), ""
    if kind == ":":
        return _parse_v6(text)
    raise _error(text, "missing IPv6 address" if kind else "unable to parse IP")


def _error(text: str, message: str, at: str = "") -> AddressError:
    place = f" (at {quote(at)})" if at else ""
    return AddressError(f"ParseAddr({quote(text)}): {message}{place}")


def _parse_v4(whole: str, text: str) -> int:
    """The number of a dotted address; `whole` is what errors name."""
    fields: list[int] = []
    value = digits = 0
    for i, char in enumerate(text):
        if "0" <= char <= "9":
            if digits == 1 and value == 0:
                raise _error(whole, "IPv4 field has octet with leading zero")
            value, digits = value * 10 + int(char), digits + 1
            if value > 255:
                raise _error(whole, "IPv4 field has value >255")
        elif char == ".":
            if i in {0, len(text) - 1} or text[i - 1] == ".":
                raise _error(whole, "IPv4 field must have at least one digit", text[i:])
            if len(fields) == 3:
                raise _error(whole, "IPv4 address too long")
            fields.append(value)
            value = digits = 0
        else:
            raise _error(whole, "unexpected character", text[i:])
    if len(fields) < 3:
        raise _error(whole, "IPv4 address too short")
    return int.from_bytes([*fields, value], "big")


def _parse_v6(whole: str) -> tuple[Address, str]:
    text, percent, zone = whole.partition("%")
    if percent and not zone:
        raise _error(whole, "zone must be a non-empty string")
    octets, gap = _v6_octets(whole, text)
    missing = 16 - len(octets)
    if missing and gap is None:
        raise _error(whole, "address string too short")
    if not missing and gap is not None:
        raise _error(whole, "the :: must expand to at least one field of zeros")
    if gap is not None:
        octets[gap:gap] = bytes(missing)
    return Address(128, int.from_bytes(octets, "big")), zone


def _v6_octets(whole: str, text: str) -> tuple[bytearray, int | None]:
    """The octets that are spelt out, and where among them `::` stands."""
    octets, gap, rest = bytearray(), None, text
    if rest.startswith("::"):
        gap, rest = 0, rest[2:]
        if not rest:
            return octets, gap
    while len(octets) < 16:
        digits = _hex_digits(whole, rest)
        if rest.startswith(".", len(digits)):
            return octets + _embedded_v4(whole, rest, len(octets), gap), gap
        octets += int(digits, 16).to_bytes(2, "big")
        rest = rest[len(digits) :]
        if not rest:
            break
        if rest[0] != ":":
            raise _error(whole, "unexpected character, want colon", rest)
        if len(rest) == 1:
            raise _error(whole, "colon must be followed by more characters", rest)
        rest = rest[1:]
        if rest[0] == ":":
            if gap is not None:
                raise _error(whole, "multiple :: in address", rest)
            gap, rest = len(octets), rest[1:]
            if not rest:
                break
    if rest:
        raise _error(whole, "trailing garbage after address", rest)
    return octets, gap


def _hex_digits(whole: str, rest: str) -> str:
    length = 0
    while length < len(rest) and rest[length] in "0123456789abcdefABCDEF":
        length += 1
        if length > 4:
            raise _error(whole, "each group must have 4 or less digits", rest)
    if not length:
        raise _error(whole, "each colon-separated field must have at least one digit", rest)
    return rest[:length]


def _embedded_v4(whole: str, rest: str, before: int, gap: int | None) -> bytes:
    if gap is None and before != 12:
        raise _error(whole, "embedded IPv4 address must replace the final 2 fields of the address", rest)
    if before + 4 > 16:
        raise _error(whole, "too many hex fields to fit an embedded IPv4 at the end of the address", rest)
    return _parse_v4(whole, rest).to_bytes(4, "big")


def is_mapped(address: Address) -> bool:
    """Whether an IPv6 address stands for an IPv4 one (`::ffff:1.2.3.4`)."""
    return address.bits == 128 and address.number >> 32 == 0xFFFF


def ip(text: str) -> Address:
    """The address of a text."""
    try:
        address, zone = parse_address(text)
    except AddressError as error:
        raise EvaluationError(f"IP Address {quote(text)} parse error during conversion from string: {error}") from None
    if zone:
        raise EvaluationError(f"IP address {quote(text)} with zone value is not allowed")
    if is_mapped(address):
        raise EvaluationError(f"IPv4-mapped IPv6 address {quote(text)} is not allowed")
    return address


def is_ip(text: str) -> bool:
    """Whether `ip` accepts a text."""
    try:
        ip(text)
    except EvaluationError:
        return False
    return True


def is_canonical(text: str) -> bool:
    """Whether a text is the canonical one of its address; an error where it is no address."""
    return str(ip(text)) == text


def family(address: Address) -> int:
    """4 or 6."""
    return 4 if address.bits == 32 else 6


def is_unspecified(address: Address) -> bool:
    """`0.0.0.0` or `::`."""
    return address.number == 0


def is_loopback(address: Address) -> bool:
    """RFC 1122, section 3.2.1.3; RFC 4291, section 2.4."""
    return address.within(127 << 24, 8) if address.bits == 32 else address.number == 1


def is_link_local_multicast(address: Address) -> bool:
    """RFC 5771, section 4; RFC 4291, section 2.7.1."""
    if address.bits == 32:
        return address.within(224 << 24, 24)
    return address.number >> 112 & 0xFF0F == 0xFF02


def is_link_local_unicast(address: Address) -> bool:
    """RFC 3927, section 2.1; RFC 4291, section 2.4."""
    return address.within(0xA9FE << 16, 16) if address.bits == 32 else address.within(0xFE80 << 112, 10)


def is_global_unicast(address: Address) -> bool:
    """Everything that none of the other ranges has; private addresses are global here."""
    multicast = address.within(224 << 24, 4) if address.bits == 32 else address.within(0xFF << 120, 8)
    broadcast = address.bits == 32 and address.number == 0xFFFFFFFF
    return not (
        multicast or broadcast or is_unspecified(address) or is_loopback(address) or is_link_local_unicast(address)
    )


def to_string(address: Address) -> str:
    """The canonical text."""
    return str(address)


FUNCTIONS = (
    function("ip", (STRING,), IP, ip, since=SINCE),
    function("isIP", (STRING,), BOOL, is_ip, since=SINCE),
    function("ip.isCanonical", (STRING,), BOOL, is_canonical, since=SINCE),
    function("string", (IP,), STRING, to_string, since=SINCE),
    member("family", (IP,), INT, family, since=SINCE),
    member("isUnspecified", (IP,), BOOL, is_unspecified, since=SINCE),
    member("isLoopback", (IP,), BOOL, is_loopback, since=SINCE),
    member("isLinkLocalMulticast", (IP,), BOOL, is_link_local_multicast, since=SINCE),
    member("isLinkLocalUnicast", (IP,), BOOL, is_link_local_unicast, since=SINCE),
    member("isGlobalUnicast", (IP,), BOOL, is_global_unicast, since=SINCE),
)
TYPES = {"net.IP": IP}
CLASSES = {"net.IP": Address}

"""Networks: `cidr`, `isCIDR`, `containsIP` and their like (k8s.io/apiserver `library/cidr.go`, Kubernetes 1.30)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policykit.cel.errors import EvaluationError
from policykit.cel.library import function, member
from policykit.cel.library.ip import IP, SINCE, Address, AddressError, ip, is_mapped, parse_address
from policykit.cel.quoting import quote
from policykit.cel.types import BOOL, INT, STRING, OpaqueType

CIDR = OpaqueType("net.CIDR")
_CONTEXT = "network address parse error during conversion from string: "


@dataclass(frozen=True, slots=True)
class Network:
    """An address (bits after the prefix may be set) and the length of the prefix."""

    cel_type: ClassVar[str] = "net.CIDR"
    address: Address
    length: int

    def __str__(self) -> str:
        return f"{self.address}/{self.length}"


def parse_network(text: str) -> Network:
    """The network of a text, as Go's `netip.ParsePrefix`. Raises AddressError with its message."""
    head, slash, bits = text.rpartition("/")
    if not slash:
        raise _error(text, "no '/'")
    try:
        address, zone = parse_address(head)
    except AddressError as error:
        raise _error(text, str(error)) from None
    if zone:
        raise _error(text, "IPv6 zones cannot be present in a prefix")
    if not (bits.isascii() and bits.isdigit()) or (len(bits) > 1 and bits[0] == "0") or len(bits) > 18:
        raise _error(text, f"bad bits after slash: {quote(bits)}")
    if int(bits) > address.bits:
        raise _error(text, "prefix length out of range")
    return Network(address, int(bits))


def _error(text: str, message: str) -> AddressError:
    return AddressError(f"netip.ParsePrefix({quote(text)}): {message}")


def cidr(text: str) -> Network:
    """The network of a text."""
    try:
        network = parse_network(text)
    except AddressError as error:
        raise EvaluationError(f"{_CONTEXT}{_CONTEXT}{error}") from None
    if is_mapped(network.address):
        raise EvaluationError(f"{_CONTEXT}IPv4-mapped IPv6 address {quote(text)} is not allowed")
    return network


def is_cidr(text: str) -> bool:
    """Whether `cidr` accepts a text."""
    try:
        cidr(text)
    except EvaluationError:
        return False
    return True


def contains_ip(network: Network, address: Address) -> bool:
    """Whether an address is in a network; one of the other family is not."""
    return network.address.bits == address.bits and address.within(network.address.number, network.length)


def contains_ip_text(network: Network, text: str) -> bool:
    """As `contains_ip`; what is wrong with the text is lost on the way, as in the API server."""
    try:
        address = ip(text)
    except EvaluationError:
        raise EvaluationError("no such overload") from None
    return contains_ip(network, address)


def contains_network(network: Network, other: Network) -> bool:
    """Whether all of another network is in a network."""
    return contains_ip(network, other.address) and network.length <= other.length


def contains_network_text(network: Network, text: str) -> bool:
    """As `contains_network`."""
    return contains_network(network, cidr(text))


def address_of(network: Network) -> Address:
    """The address as it was written."""
    return network.address


def prefix_length(network: Network) -> int:
    """The number after the slash."""
    return network.length


def masked(network: Network) -> Network:
    """The network with no bit set after the prefix."""
    host = network.address.bits - network.length
    return Network(Address(network.address.bits, network.address.number >> host << host), network.length)


def to_string(network: Network) -> str:
    """The canonical text."""
    return str(network)


FUNCTIONS = (
    function("cidr", (STRING,), CIDR, cidr, since=SINCE),
    function("isCIDR", (STRING,), BOOL, is_cidr, since=SINCE),
    function("string", (CIDR,), STRING, to_string, since=SINCE),
    member("containsIP", (CIDR, STRING), BOOL, contains_ip_text, since=SINCE),
    member("containsIP", (CIDR, IP), BOOL, contains_ip, since=SINCE),
    member("containsCIDR", (CIDR, STRING), BOOL, contains_network_text, since=SINCE),
    member("containsCIDR", (CIDR, CIDR), BOOL, contains_network, since=SINCE),
    member("ip", (CIDR,), IP, address_of, since=SINCE),
    member("prefixLength", (CIDR,), INT, prefix_length, since=SINCE),
    member("masked", (CIDR,), CIDR, masked, since=SINCE),
)
TYPES = {"net.CIDR": CIDR}
CLASSES = {"net.CIDR": Network}

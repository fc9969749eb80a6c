"""The short syntaxes of ports and volumes into their long ones.

https://github.com/compose-spec/compose-spec/blob/main/05-services.md#ports and #volumes. A piece that is unknown
stays unknown in the field it lands in; the pieces around it are read all the same.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from typing import TYPE_CHECKING, Any

from policykit.parse.compose.tree import ComposeError, mapping
from policykit.parse.yaml_nodes import Node
from policykit.unknown import HOLE, Unknown

if TYPE_CHECKING:
    from policykit.document import Span

#: Ports that one entry may stand for: all that there are.
_MAX_PORT = 65_535
_PROTOCOLS = frozenset(("tcp", "udp", "sctp"))
_PROPAGATIONS = frozenset(("rprivate", "private", "rshared", "shared", "rslave", "slave"))
_PORT_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})(?:/[^:]*)?\Z")
_DRIVE = re.compile(r"[A-Za-z]:")


def ports(node: Node) -> list[Node]:
    """One `ports` entry in short syntax as the ports it stands for; ComposeError where it is none."""
    value = node.value
    if isinstance(value, Unknown):
        return [_unknown_port(value, node.span)]
    spec = str(value)
    host, published, target = _port_parts(spec, node.span)
    target, _, protocol = target.partition("/")
    protocol = (protocol or "tcp").lower()
    if protocol not in _PROTOCOLS:
        raise ComposeError(f"invalid port `{spec}`: protocol must be tcp, udp or sctp", node.span)
    first, last = _range(target, spec, node.span)
    if first == 0:
        raise ComposeError(f"invalid port `{spec}`: 0 is no container port", node.span)
    begin, end = _range(published, spec, node.span) if published else (0, 0)
    if published and last - first != end - begin and first != last:
        raise ComposeError(f"invalid port `{spec}`: the ranges differ in length", node.span)
    found = []
    for offset in range(last - first + 1):
        fields: dict[str, Any] = {"mode": "ingress"}
        if host:
            fields["host_ip"] = host
        fields["target"] = first + offset
        if published:
            fields["published"] = str(begin + offset) if first != last or begin == end else f"{begin}-{end}"
        fields["protocol"] = protocol
        found.append(_fields(fields, node.span))
    return sorted(found, key=lambda port: f"{port.value['target'].node.value}/{protocol}")


def width(value: Any) -> int:
    """How many ports a `ports` entry stands for, at most."""
    match = _PORT_RANGE.search(value) if isinstance(value, str) else None
    return min(int(match.group(2)) - int(match.group(1)), _MAX_PORT) + 1 if match else 1


def _port_parts(spec: str, span: Span) -> tuple[str, str, str]:
    *front, target = spec.split(":")
    published = front.pop() if front else ""
    host = ":".join(front)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not target:
        raise ComposeError(f"invalid port `{spec}`: no container port", span)
    if host:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise ComposeError(f"invalid port `{spec}`: `{host}` is no IP address", span) from None
    return host, published, target


def _range(text: str, spec: str, span: Span) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    last = last if dash else first
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        raise ComposeError(f"invalid port `{spec}`: `{text}` is no port and no range of ports", span)
    begin, end = int(first[:6]), int(last[:6])
    if begin > end or end > _MAX_PORT:
        raise ComposeError(f"invalid port `{spec}`: `{text}` is out of range", span)
    return begin, end


def _unknown_port(value: Unknown, span: Span) -> Node:
    """What is sure of a port with an unknown piece: its container port, where that is written out."""
    front, colon, target = value.pattern.rpartition(":")
    number, _, protocol = target.partition("/")
    fields: dict[str, Any] = {"mode": "ingress"}
    is_known = colon and number.isascii() and number.isdigit()
    fields["target"] = int(number) if is_known else Unknown(value.reasons)
    fields["published"] = Unknown(value.reasons, front if is_known else HOLE)
    fields["protocol"] = Unknown(value.reasons) if HOLE in target else protocol or "tcp"
    return _fields(fields, span)


def volume(node: Node) -> Node:
    """One `volumes` entry in short syntax as its long one; ComposeError where it is none."""
    value = node.value
    if isinstance(value, Unknown):
        return _unknown_volume(value, node.span)
    sections = _sections(value, node.span)
    source, target, options = ["", *sections, ""][:3] if len(sections) == 1 else [*sections, ""][:3]
    fields: dict[str, Any] = {"type": "bind" if is_path(source) else "volume"}
    if source:
        fields["source"] = source
    fields["target"] = posixpath.normpath(target)
    bind: dict[str, Any] = {"create_host_path": True} if is_path(source) else {}
    mount: dict[str, Any] = {}
    for option in options.split(","):
        if option in ("ro", "rw"):
            fields["read_only"] = option == "ro"
        elif option == "nocopy":
            mount["nocopy"] = True
        elif option in _PROPAGATIONS:
            bind["propagation"] = option
        elif option in ("z", "Z"):
            bind["selinux"] = option
    if bind:
        fields["bind"] = bind
    if not is_path(source):
        fields["volume"] = mount
    return _fields(fields, node.span)


def volume_target(node: Node) -> Any:
    """What keeps one mount of a service apart from the others."""
    if isinstance(node.value, str):
        sections = _sections(node.value, node.span)
        return sections[0] if len(sections) == 1 else sections[1]
    if isinstance(node.value, Unknown):
        target = volume(node).value["target"].node.value
        return target if isinstance(target, str) else id(node)
    return id(node)


def is_path(source: str) -> bool:
    """Is a mount's source a place on the host, rather than a volume's name?"""
    return source.startswith((".", "/", "~", "\\\\")) or _DRIVE.match(source) is not None


def _sections(spec: str, span: Span) -> list[str]:
    """The parts between colons, of which a Windows drive's is none."""
    if not spec:
        raise ComposeError("a volume cannot be empty", span)
    if len(spec) <= 2:
        return [spec]
    sections: list[str] = []
    for part in spec.split(":"):
        if sections and len(sections[-1]) == 1 and sections[-1].isalpha():
            sections[-1] += f":{part}"
        else:
            sections.append(part)
    if not all(sections):
        raise ComposeError(f"invalid volume `{spec}`: nothing between colons", span)
    if len(sections) > 3:
        raise ComposeError(f"invalid volume `{spec}`: too many colons", span)
    return sections


def _unknown_volume(value: Unknown, span: Span) -> Node:
    """What is sure of a volume whose unknown piece is, as everywhere, its source."""
    source, colon, rest = value.pattern.partition(":")
    target, _, options = rest.partition(":")
    if not colon or HOLE in rest or not target:
        unknown = Unknown(value.reasons)
        return _fields({"type": unknown, "source": unknown, "target": unknown}, span)
    kind = "bind" if is_path(source) else Unknown(value.reasons)
    fields: dict[str, Any] = {"type": kind, "source": Unknown(value.reasons, source), "target": target}
    if "ro" in options.split(","):
        fields["read_only"] = True
    return _fields(fields, span)


def _fields(fields: dict[str, Any], span: Span) -> Node:
    nodes = {
        key: _fields(value, span) if isinstance(value, dict) else Node(value, span) for key, value in fields.items()
    }
    return mapping(nodes, span)

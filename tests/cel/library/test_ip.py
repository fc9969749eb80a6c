"""IP addresses, against netip by way of the API server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.cel.errors import EvaluationError
from policykit.cel.library import ip
from tests.cel.library.differential import Functions, assert_same, some_examples
from tests.oracle import Oracle, oracle_or_skip

octets = st.sampled_from(["0", "1", "9", "127", "169", "224", "254", "255", "256", "00", "01", "", "a", "1000", "٣"])
groups = st.sampled_from(
    ["0", "1", "ff", "fe80", "ff02", "FE80", "0000", "ffff", "00001", "g", "", "1.2.3.4", "127.0.0.1", "1.2.3"]
)
addresses = st.one_of(
    st.lists(octets, min_size=3, max_size=5).map(".".join),
    st.lists(groups, min_size=1, max_size=9).map(":".join),
    st.lists(groups, max_size=4).map(":".join).map("::{}".format),
    st.builds("{}::{}".format, st.lists(groups, max_size=4).map(":".join), st.lists(groups, max_size=4).map(":".join)),
    st.builds(
        "{}%{}".format, st.sampled_from(["fe80::1", "::", "1.2.3.4", ""]), st.sampled_from(["", "eth0", "0", "%"])
    ),
    st.text("0123456789abcdef.:%/ é\n", max_size=12),
    st.ip_addresses().map(str),
    st.sampled_from(
        ["224.0.0.1", "169.254.1.1", "ff02::1", "fe80::1", "febf::1", "::ffff:1.2.3.4", "::1.2.3.4", "ff05::1"]
    ),
)

FUNCTIONS: Functions = {
    "ip(a)": ip.ip,
    "isIP(a)": ip.is_ip,
    "ip.isCanonical(a)": ip.is_canonical,
    "string(ip(a))": lambda a: ip.to_string(ip.ip(a)),
    "ip(a).family()": lambda a: ip.family(ip.ip(a)),
    "ip(a).isUnspecified()": lambda a: ip.is_unspecified(ip.ip(a)),
    "ip(a).isLoopback()": lambda a: ip.is_loopback(ip.ip(a)),
    "ip(a).isLinkLocalMulticast()": lambda a: ip.is_link_local_multicast(ip.ip(a)),
    "ip(a).isLinkLocalUnicast()": lambda a: ip.is_link_local_unicast(ip.ip(a)),
    "ip(a).isGlobalUnicast()": lambda a: ip.is_global_unicast(ip.ip(a)),
    "ip(a) == ip('::1')": lambda a: ip.ip(a) == ip.ip("::1"),
}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("::1", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("FE80::1", "fe80::1"),
        ("1.2.3.4", "1.2.3.4"),
    ],
)
def test_canonical(text: str, canonical: str) -> None:
    assert str(ip.ip(text)) == canonical
    assert ip.is_canonical(text) is (text == canonical)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x", 'IP Address "x" parse error during conversion from string: ParseAddr("x"): unable to parse IP'),
        ("fe80::1%en0", 'IP address "fe80::1%en0" with zone value is not allowed'),
        ("::ffff:1.2.3.4", 'IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed'),
    ],
)
def test_errors(text: str, problem: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        ip.ip(text)
    assert str(caught.value) == problem


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


@some_examples
@given(st.lists(addresses, min_size=20, max_size=40))
def test_as_the_api_server(oracle: Oracle, texts: list[str]) -> None:
    assert_same(oracle, FUNCTIONS, [(text,) for text in texts])

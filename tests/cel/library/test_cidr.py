"""Networks, against netip by way of the API server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.cel.errors import EvaluationError
from policykit.cel.library import cidr, ip
from tests.cel.library.differential import Functions, assert_same, some_examples
from tests.cel.library.test_ip import addresses
from tests.oracle import Oracle, oracle_or_skip

lengths = st.sampled_from(
    ["0", "1", "8", "24", "31", "32", "33", "64", "127", "128", "129", "", "08", "+8", "-1", "a", "9" * 30]
)
networks = st.one_of(
    st.builds("{}/{}".format, addresses, lengths),
    st.builds("{}/{}".format, st.sampled_from(["10.0.0.1", "10.1.2.3", "fe80::1", "::"]), st.integers(0, 32)),
    addresses,
)

FUNCTIONS: Functions = {
    "cidr(a)": lambda a, b, c: cidr.cidr(a),
    "isCIDR(a)": lambda a, b, c: cidr.is_cidr(a),
    "string(cidr(a))": lambda a, b, c: cidr.to_string(cidr.cidr(a)),
    "cidr(a).ip()": lambda a, b, c: cidr.address_of(cidr.cidr(a)),
    "cidr(a).prefixLength()": lambda a, b, c: cidr.prefix_length(cidr.cidr(a)),
    "cidr(a).masked()": lambda a, b, c: cidr.masked(cidr.cidr(a)),
    "cidr(a).containsIP(string(b))": lambda a, b, c: cidr.contains_ip_text(cidr.cidr(a), b),
    "cidr(a).containsIP(ip(b))": lambda a, b, c: cidr.contains_ip(cidr.cidr(a), ip.ip(b)),
    "cidr(a).containsCIDR(string(c))": lambda a, b, c: cidr.contains_network_text(cidr.cidr(a), c),
    "cidr(a).containsCIDR(cidr(c))": lambda a, b, c: cidr.contains_network(cidr.cidr(a), cidr.cidr(c)),
    "cidr(a) == cidr(c)": lambda a, b, c: cidr.cidr(a) == cidr.cidr(c),
}


def test_containment() -> None:
    assert cidr.contains_ip_text(cidr.cidr("192.168.0.0/24"), "192.168.0.1")
    assert not cidr.contains_ip_text(cidr.cidr("192.168.0.0/24"), "192.168.1.1")
    assert cidr.contains_network_text(cidr.cidr("192.168.0.0/16"), "192.168.10.0/24")
    assert not cidr.contains_network_text(cidr.cidr("192.168.1.0/24"), "192.168.0.0/16")
    assert str(cidr.masked(cidr.cidr("192.168.0.7/24"))) == "192.168.0.0/24"


def test_errors() -> None:
    with pytest.raises(EvaluationError, match="no '/'"):
        cidr.cidr("x")
    with pytest.raises(EvaluationError, match="no such overload"):
        cidr.contains_ip_text(cidr.cidr("10.0.0.0/8"), "x")


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


@some_examples
@given(st.lists(st.tuples(networks, addresses, networks), min_size=20, max_size=40))
def test_as_the_api_server(oracle: Oracle, cases: list[tuple[str, str, str]]) -> None:
    assert_same(oracle, FUNCTIONS, list(cases))

"""URLs, against Go's net/url by way of the API server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.cel.errors import EvaluationError
from policykit.cel.library import url
from tests.cel.library.differential import Functions, assert_same, some_examples
from tests.oracle import Oracle, oracle_or_skip

WORDS = [*"+;:@[]", "", "a", "a b", "b.c", "%41", "%c3%a9", "é", "%2F", "%zz", "%4", "%25", "!*", "<>", "'", '"']
words = st.lists(st.sampled_from(WORDS), max_size=3).map("".join)
schemes = st.sampled_from(["http:", "HTTPS:", "a+b.c:", "1a:", ":", "", "é:", "file:", "mailto:"])
HOSTS = (
    "h h:80 h: h:x [::1] [::1]:8080 [::1 [1.2.3.4] [fe80::1%25en0] [fe80::1%25e%20n] 1:2:3 %41 H.é "
    "[::1]x a[b [zz] [fe80::1%en] h%20 %zz h:8%30 [fe80::1%25%41]"
)
hosts = st.sampled_from(HOSTS.split()) | words
users = st.sampled_from(["", "", "u@", "u:p@", "u:p:q@", "a@b@", "%41@", "é@", "%zz@", ":@", "@"])
queries = st.sampled_from(
    ["", "", "?", "??", "?a=1&b=2&a=3", "?a=%41+b", "?a;b=1&c", "?=x&", "?%zz=1&é=2", "?a=%zz&b", "?#"]
) | words.map("?{}".format)
fragments = st.sampled_from(["", "", "#", "#f", "#%zz", "#é ", "#a'b(!)", "##"])
paths = st.sampled_from(["", "/", "/a/b", "a/b", "//x", "///x", "*", "/%2F", "/a%2fb c"]) | words.map("/{}".format)
urls = st.one_of(
    st.builds("{}//{}{}{}{}{}".format, schemes, users, hosts, paths, queries, fragments),
    st.builds("{}{}{}{}".format, schemes, paths, queries, fragments),
    st.builds("//{}{}{}".format, hosts, paths, fragments),
    st.text("ab:/?#[]@!%41é\x7f\n *.", max_size=12),
)

FUNCTIONS: Functions = {
    "url(a)": url.url,
    "isURL(a)": url.is_url,
    "url(a).getScheme()": lambda a: url.get_scheme(url.url(a)),
    "url(a).getHost()": lambda a: url.get_host(url.url(a)),
    "url(a).getHostname()": lambda a: url.get_hostname(url.url(a)),
    "url(a).getPort()": lambda a: url.get_port(url.url(a)),
    "url(a).getEscapedPath()": lambda a: url.get_escaped_path(url.url(a)),
    "url(a).getQuery()": lambda a: url.get_query(url.url(a)),
    "url(a) == url('http://h/')": lambda a: url.url(a) == url.url("http://h/"),
}


def test_parts() -> None:
    value = url.url("https://user:pw@[::1]:8443/with space/%41?k=a&k=b#frag")
    assert url.get_scheme(value) == "https"
    assert url.get_host(value) == "[::1]:8443"
    assert url.get_hostname(value) == "::1"
    assert url.get_port(value) == "8443"
    assert url.get_escaped_path(value) == "/with%20space/A"
    assert url.get_query(value) == {"k": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", 'parse "": empty url'),
        ("../rel", 'parse "../rel": invalid URI for request'),
        (":x", 'parse ":x": missing protocol scheme'),
        ("http://h:x/", 'parse "http://h:x/": invalid port ":x" after host'),
    ],
)
def test_errors(text: str, problem: str) -> None:
    assert not url.is_url(text)
    with pytest.raises(EvaluationError) as caught:
        url.url(text)
    assert str(caught.value) == f"URL parse error during conversion from string: {problem}"


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return oracle_or_skip()


@some_examples
@given(st.lists(urls, min_size=20, max_size=40))
def test_as_the_api_server(oracle: Oracle, texts: list[str]) -> None:
    assert_same(oracle, FUNCTIONS, [(text,) for text in texts])

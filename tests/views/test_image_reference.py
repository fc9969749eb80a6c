from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policykit.unknown import HOLE, Unknown
from policykit.views.image_reference import matches_any, parse_image_reference

SHA = "sha256:" + "a" * 64

#: reference -> name, tag, digest
REFERENCES = {
    "nginx": ("docker.io/library/nginx", "", ""),
    "nginx:1.27": ("docker.io/library/nginx", "1.27", ""),
    "library/nginx": ("docker.io/library/nginx", "", ""),
    "docker.io/nginx": ("docker.io/library/nginx", "", ""),
    "docker.io/library/nginx:1": ("docker.io/library/nginx", "1", ""),
    "index.docker.io/nginx": ("docker.io/library/nginx", "", ""),
    "registry-1.docker.io/library/nginx": ("docker.io/library/nginx", "", ""),
    "registry.hub.docker.com/library/nginx": ("docker.io/library/nginx", "", ""),
    "Docker.IO/library/nginx": ("docker.io/library/nginx", "", ""),
    "docker.io:443/library/nginx": ("docker.io/library/nginx", "", ""),
    "docker.io:5000/library/nginx": ("docker.io:5000/library/nginx", "", ""),
    "team/app": ("docker.io/team/app", "", ""),
    "team/sub/app:v1": ("docker.io/team/sub/app", "v1", ""),
    "Team/app": ("team/app", "", ""),
    "localhost/app": ("localhost/app", "", ""),
    "localhost:5000/app": ("localhost:5000/app", "", ""),
    "registry:5000/app": ("registry:5000/app", "", ""),
    "registry:5000/app:1": ("registry:5000/app", "1", ""),
    "ghcr.io/org/app:1@" + SHA: ("ghcr.io/org/app", "1", SHA),
    "ghcr.io/org/app@" + SHA: ("ghcr.io/org/app", "", SHA),
    "nginx:latest@" + SHA: ("docker.io/library/nginx", "latest", SHA),
    "[2001:db8::1]:5000/app:2": ("[2001:db8::1]:5000/app", "2", ""),
    "[::1]/app": ("[::1]/app", "", ""),
    "127.0.0.1:5000/app": ("127.0.0.1:5000/app", "", ""),
    "a.b/c": ("a.b/c", "", ""),
    "0": ("docker.io/library/0", "", ""),
    "my__app": ("docker.io/library/my__app", "", ""),
    "my-app.v2:A_b-c.d": ("docker.io/library/my-app.v2", "A_b-c.d", ""),
}


@pytest.mark.parametrize("ref", REFERENCES)
def test_a_reference_comes_apart(ref: str) -> None:
    parsed = parse_image_reference(ref)
    assert (parsed.name, parsed.tag, parsed.digest) == REFERENCES[ref]
    assert parsed.name == f"{parsed.registry}/{parsed.repository}"
    assert parsed.valid


#: A space, an invisible one, a name that is too long, and one that is an image ID.
_LONG = ("ghcr.io/nginx ", "ghcr.io/nginx\u200b", "nginx:ta g", "a" * 256, "f" * 64, "")
_MALFORMED = [
    ":",
    "nginx:",
    "nginx@",
    "Nginx",
    "a//b",
    "-a/b",
    "a_-b",
    "nginx:-x",
    "nginx@sha256:12",
    "nginx:1@sha256",
    "https://ghcr.io/a",
    "ghcr.io/Team/app",
]


@pytest.mark.parametrize("ref", [*_LONG, *_MALFORMED])
def test_what_no_runtime_accepts_is_not_valid(ref: str) -> None:
    assert not parse_image_reference(ref).valid


#: pattern of a reference -> registry, repository, tag, digest; HOLE where it is not known
HOLES = {
    HOLE: (HOLE, HOLE, HOLE, HOLE),
    f"nginx:{HOLE}": ("docker.io", "library/nginx", HOLE, HOLE),
    f"node:{HOLE}-alpine": ("docker.io", "library/node", f"{HOLE}-alpine", ""),
    f"node{HOLE}": (HOLE, HOLE, HOLE, HOLE),
    f"{HOLE}/app:1": (HOLE, "app", "1", ""),
    f"{HOLE}app:1": (HOLE, HOLE, "1", ""),
    f"ghcr.io/{HOLE}": ("ghcr.io", HOLE, HOLE, HOLE),
    f"ghcr.io/{HOLE}/app:1": ("ghcr.io", f"{HOLE}/app", "1", ""),
    f"{HOLE}@{SHA}": (HOLE, HOLE, HOLE, SHA),
    f"app:{HOLE}@{SHA}": ("docker.io", "library/app", HOLE, SHA),
}


@pytest.mark.parametrize("pattern", HOLES)
def test_known_pieces_are_known(pattern: str) -> None:
    unknown = Unknown(("`X` has no default value",), pattern)
    parsed = parse_image_reference(unknown)
    parts = (parsed.registry, parsed.repository, parsed.tag, parsed.digest)
    assert tuple(p.pattern if isinstance(p, Unknown) else p for p in parts) == HOLES[pattern]
    assert all(p.reasons == unknown.reasons for p in parts if isinstance(p, Unknown))


@given(st.text(max_size=40) | st.from_regex(r"[a-z.:/@\[\]_-]{0,30}"))
def test_any_text_comes_apart(text: str) -> None:
    parsed = parse_image_reference(text.replace(HOLE, ""))
    assert parsed.valid in (True, False)


NAMES = st.from_regex(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", fullmatch=True)


HOSTS = st.from_regex(r"[a-z0-9]+(?:[.-][a-z0-9]+)*", fullmatch=True)


@given(HOSTS, NAMES, NAMES)
def test_a_valid_reference_is_put_together_again(host: str, path: str, tag: str) -> None:
    assume(len(host) + len(path) < 240)
    parsed = parse_image_reference(f"{host}.example/{path}:{tag[:128]}")
    assert parsed.valid
    assert (parsed.name, parsed.tag) == (f"{host}.example/{path}", tag[:128])


#: Patterns of an allow-list, references that it admits, references that it refuses.
ALLOW_LISTS = [
    (
        "registry.example.com",
        "registry.example.com/app registry.example.com/a/b:1 Registry.Example.Com/app registry.example.com:443/app",
        """
        registry.example.com.evil.net/app evilregistry.example.com/app registry.example.co/app nginx
        registry.example.com:5000/app evil.net/registry.example.com/app registry.example.comx/app
        user@registry.example.com/app registry.example.com@evil.net/app
        """,
    ),
    (
        "ghcr.io/our-org",
        "ghcr.io/our-org/app ghcr.io/our-org/app/sub:2",
        """
        ghcr.io/our-org-evil/app ghcr.io/our-orgevil/app ghcr.io/our ghcr.io/other/our-org our-org/app
        ghcr.io:5000/our-org/app ghcr.io.evil.net/our-org/app
        """,
    ),
    ("ghcr.io/our-org/", "ghcr.io/our-org/app", "ghcr.io/our-org-evil/app"),
    (
        "docker.io",
        "nginx library/nginx team/app docker.io/team/app index.docker.io/nginx registry-1.docker.io/a/b",
        "docker.io.evil.net/nginx ghcr.io/nginx localhost/nginx Docker/nginx",
    ),
    (
        "nginx docker.io/redis",
        "nginx nginx:1 docker.io/library/nginx redis library/redis",
        "nginx-evil team/nginx ghcr.io/nginx nginxx",
    ),
    (
        "mycompany/*",
        "mycompany/app docker.io/mycompany/app:1",
        "mycompanyevil/app docker.io/mycompanyevil/app mycompany.io/app",
    ),
    (
        "docker.io/mycompany docker.io/library",
        "mycompany/app docker.io/mycompany/app library/mycompany nginx",
        "mycompanyevil/app docker.io/mycompany-evil/app team/mycompany",
    ),
    (
        "*.azurecr.io/platform",
        "ours.azurecr.io/platform/app",
        """
        evilazurecr.io/platform/app azurecr.io/platform/app ours.azurecr.io/other/app
        ours.azurecr.io.evil.net/platform/app evil.net/ours.azurecr.io/platform/app
        """,
    ),
    ("*", "nginx ghcr.io/a/b localhost:5000/x", ""),
    ("localhost:5000", "localhost:5000/app", "localhost/app localhost:50000/app"),
    ("[::1]:5000", "[::1]:5000/app", "[::2]:5000/app [::1]/app"),
]


@pytest.mark.parametrize(
    ("patterns", "ref", "admitted"),
    [(patterns, ref, True) for patterns, good, _ in ALLOW_LISTS for ref in good.split()]
    + [(patterns, ref, False) for patterns, _, bad in ALLOW_LISTS for ref in bad.split()],
)
def test_an_allow_list_matches_whole_segments_of_normal_names(patterns: str, ref: str, admitted: bool) -> None:
    assert matches_any(parse_image_reference(ref).name, patterns.split()) is admitted


def test_there_are_enough_references() -> None:
    assert sum(len(good.split()) + len(bad.split()) for _, good, bad in ALLOW_LISTS) >= 60


@pytest.mark.parametrize(
    ("pattern", "patterns", "verdict"),
    [
        (f"ghcr.io/our-org/{HOLE}", ["ghcr.io/our-org"], True),
        (f"ghcr.io/{HOLE}", ["ghcr.io/our-org"], None),
        (f"ghcr.io/other-{HOLE}", ["ghcr.io/our-org"], False),
        (f"ghcr.io/our{HOLE}", ["ghcr.io/our-org"], None),
        (f"{HOLE}/app", ["ghcr.io"], None),
        (f"quay.io/{HOLE}", ["ghcr.io", "docker.io"], False),
        (f"{HOLE}.azurecr.io/app", ["*.azurecr.io"], None),
    ],
)
def test_known_pieces_decide_where_they_can(pattern: str, patterns: list[str], verdict: bool | None) -> None:
    name = parse_image_reference(Unknown(("why",), pattern)).name
    found = matches_any(name, patterns)
    assert (None if isinstance(found, Unknown) else found) is verdict

"""Compose files on their way to a project: what is read together, what is known, where it stands, what is wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from policykit.document import Source
from policykit.parse.compose import ComposeProject, LoadedProject, Options, load_project, project_files
from policykit.unknown import HOLE, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

LEGACY = ("docker-compose.yml", "docker-compose.override.yml")
COMPLETE = Options(complete=True, name="p")


def load(files: Mapping[str, str] | str, *names: str, options: Options | None = None) -> LoadedProject:
    """The project of `names` (or the first of the files), the others to be read from it."""
    texts = {"p/compose.yaml": files} if isinstance(files, str) else files
    sources = {name: Source(name, text) for name, text in texts.items()}
    return load_project([sources[name] for name in names or list(texts)[:1]], sources.get, options)


def project(files: Mapping[str, str] | str, *names: str, options: Options | None = None) -> ComposeProject:
    loaded = load(files, *names, options=options)
    assert not loaded.problems
    assert loaded.project is not None
    return loaded.project


def services(files: Mapping[str, str] | str, *names: str, options: Options | None = None) -> dict[str, Any]:
    found: dict[str, Any] = project(files, *names, options=options).data["services"]
    return found


def errors(files: Mapping[str, str] | str, *names: str, options: Options | None = None) -> list[str]:
    return [f"{e.file}:{e}" for e in load(files, *names, options=options).problems]


# -- what belongs together ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "there", "files"),
    [
        ("compose.yaml", "compose.yaml", "compose.yaml"),
        ("a/compose.yaml", "a/compose.yaml a/compose.override.yaml", "a/compose.yaml a/compose.override.yaml"),
        ("a/compose.override.yml", "a/compose.yaml a/compose.override.yml", "a/compose.yaml a/compose.override.yml"),
        ("compose.override.yaml", "compose.override.yaml", "compose.override.yaml"),
        ("docker-compose.yml", "compose.yaml docker-compose.yml", "docker-compose.yml"),
        ("docker-compose.prod.yml", "docker-compose.yml docker-compose.prod.yml", "docker-compose.prod.yml"),
        ("docker-compose.yml", f"{LEGACY[0]} {LEGACY[1]}", " ".join(LEGACY)),
    ],
)
def test_project_files(name: str, there: str, files: str) -> None:
    assert project_files(name, there.split().__contains__) == tuple(files.split())


def test_override() -> None:
    files = {
        "compose.yaml": "services:\n  a: {image: x, ports: ['80:80'], environment: {A: 1}, user: u}\n",
        "compose.override.yaml": (
            "services:\n  a:\n    ports: !override ['81:81']\n    user: !reset null\n    environment: [B=2]\n"
        ),
    }
    a = services(files, "compose.yaml", "compose.override.yaml")["a"]
    assert [port["target"] for port in a["ports"]] == [81]
    assert a["environment"] == {"A": "1", "B": "2"}
    assert "user" not in a


def test_documents_of_one_file_are_merged() -> None:
    assert services("services:\n  a: {image: x}\n---\nservices:\n  a: {image: y}\n") == {"a": {"image": "y"}}


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"My Proj!/compose.yaml": "services: {a: {image: x}}"}, "myproj"),
        ({"p/compose.yaml": "name: Web_1\nservices: {a: {image: x}}"}, "web_1"),
        ({"p/compose.yaml": "name: ${N:-n}\nservices: {a: {image: x}}"}, "n"),
        ({"compose.yaml": "services: {a: {image: x}}"}, ""),
    ],
)
def test_name(files: dict[str, str], name: str) -> None:
    assert project(files).data["name"] == name


def test_the_name_is_a_variable() -> None:
    text = "name: n\nservices: {a: {image: 'x/${COMPOSE_PROJECT_NAME}'}}"
    assert services(text)["a"]["image"] == "x/n"


# -- variables ---------------------------------------------------------------------------------------------------------

VARIABLES = "services: {a: {image: 'r/${I}:${T:-latest}', privileged: '${P}', environment: ['S=${S}', '${K}=1', L]}}"


def test_dotenv_beside_the_file() -> None:
    assert services({"p/compose.yaml": VARIABLES, "p/.env": "I=i\nT=1\nP=yes\nS=s\nK=k\n"})["a"] == {
        "image": "r/i:1",
        "privileged": True,
        "environment": {"S": "s", "k": "1", "L": None},
    }


def test_a_given_environment_wins_over_dotenv() -> None:
    files = {"p/compose.yaml": VARIABLES, "p/.env": "I=i\nT=1\nP=yes\nS=s\nK=k\n"}
    a = services(files, options=Options(environment={"T": "2", "P": "off"}))["a"]
    assert (a["image"], a["privileged"]) == ("r/i:2", False)


def test_what_nobody_knows() -> None:
    a = services(VARIABLES)["a"]
    why = ("`I` has no value in .env and no default",)
    assert a["image"] == Unknown(why, f"r/{HOLE}:latest")
    assert isinstance(a["privileged"], Unknown)
    assert a["environment"] == {"S": Unknown(("`S` has no value in .env and no default",), HOLE), "L": None}


def test_what_is_unset_in_a_complete_environment() -> None:
    assert errors(VARIABLES, options=COMPLETE) == [
        "p/compose.yaml:1:58: `` is not what belongs here: a number, or true or false"
    ]
    assert services("services: {a: {image: 'x:${T}'}}", options=COMPLETE)["a"]["image"] == "x:"


def test_unknown_short_syntaxes() -> None:
    a = services("services: {a: {image: x, ports: ['${P}:80'], volumes: ['${D}:/data', './${D}:/x']}}")["a"]
    assert a["ports"][0]["target"] == 80
    assert isinstance(a["ports"][0]["published"], Unknown)
    assert [v["target"] for v in a["volumes"]] == ["/data", "/x"]
    assert a["volumes"][1]["type"] == "bind"


def test_all_variables_that_cannot_be_filled_in_are_said_at_once() -> None:
    text = "services:\n  a:\n    image: ${X?needed}\n    user: ${\n"
    assert errors(text, options=COMPLETE) == [
        "p/compose.yaml:3:12: required variable X is missing a value: needed",
        "p/compose.yaml:4:11: invalid interpolation `${`, write `$$` for a dollar sign",
    ]


def test_env_files_of_services() -> None:
    files = {
        "p/compose.yaml": "services:\n  a:\n    image: x\n    env_file: [a.env, sub/b.env]\n    environment: {A: own}",
        "p/a.env": "A=1\nB=2\n",
        "p/sub/b.env": "B=3\nC=${A}\n",
    }
    loaded = project(files)
    assert loaded.data["services"]["a"]["environment"] == {"A": "own", "B": "3", "C": "1"}
    assert loaded.span(("services", "a", "environment", "B"))[:3] == ("p/sub/b.env", 1, 3)
    assert loaded.span(("services", "a", "environment", "A"))[:3] == ("p/compose.yaml", 5, 22)


def test_an_env_file_that_is_not_there() -> None:
    text = "services: {a: {image: x, env_file: no.env}}"
    assert not errors(text)
    assert errors(text, options=COMPLETE) == ["p/compose.yaml:1:36: env file `p/no.env` not found"]
    assert not errors(text.replace("no.env", "[{path: no.env, required: false}]"), options=COMPLETE)


# -- extends and include -----------------------------------------------------------------------------------------------


def test_extends_over_files() -> None:
    files = {
        "p/compose.yaml": "services:\n  a:\n    extends: {file: sub/base.yaml, service: b}\n    user: u\n",
        "p/sub/base.yaml": "services:\n  b:\n    extends: {file: deep/d.yaml, service: d}\n    build: ./ctx\n",
        "p/sub/deep/d.yaml": "services:\n  d:\n    image: i\n    volumes: ['./v:/v']\n    ports: ['80:80']\n",
    }
    loaded = project(files)
    a = loaded.data["services"]["a"]
    assert (a["image"], a["user"], a["build"]["context"]) == ("i", "u", "sub/ctx")
    assert a["volumes"][0]["source"] == "./sub/deep/v"
    assert loaded.span(("services", "a", "image"))[:3] == ("p/sub/deep/d.yaml", 3, 12)
    assert loaded.span(("services", "a", "build", "context"))[:3] == ("p/sub/base.yaml", 4, 12)
    assert loaded.span(("services", "a", "nothing"))[0] in files


def test_extends_within_a_file() -> None:
    text = (
        "services:\n  a:\n    extends: b\n    ports: !reset []\n    environment: [X=2]\n"
        "  b:\n    image: i\n    ports: ['80:80']\n    environment: {X: 1, Y: 1}\n"
    )
    assert services(text)["a"] == {"image": "i", "environment": {"X": "2", "Y": "1"}}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("services: {a: {extends: b}, b: {extends: a}}", "circular reference: "),
        ("services: {a: {extends: a}}", "circular reference: "),
        ("services: {a: {extends: z}}", "cannot extend service `a`: service `z` not found"),
        ("services: {a: {extends: {file: no.yaml, service: a}}}", "file `no.yaml` not found"),
        ("services: {a: {extends: {file: o.yaml, service: z}}}", "service `z` not found in o.yaml"),
        ("services: {a: {extends: {file: v.yaml, service: z}}}", "it has no services"),
        ("services: {a: {extends: {file: o.yaml}}}", "extends of `a` needs a service"),
        ("services: {a: {extends: {file: bad.yaml, service: a}}}", "p/bad.yaml:1:1: did not find"),
        ("services: {a: {extends: {file: loop.yaml, service: a}}}", "circular reference: "),
    ],
)
def test_extends_error(text: str, error: str) -> None:
    files = {
        "p/compose.yaml": text,
        "p/o.yaml": "services: {a: {image: x}}",
        "p/v.yaml": "volumes: {}",
        "p/bad.yaml": "]",
        "p/loop.yaml": "services: {a: {extends: {file: loop.yaml, service: a}}}",
    }
    loaded = load(files)
    assert loaded.project is None
    (problem,) = loaded.problems
    assert error in f"{problem.file}:{problem}"


def test_include() -> None:
    files = {
        "p/compose.yaml": (
            "include:\n- sub/inc.yaml\nservices:\n  a: {image: 'x:${T}', depends_on: [b]}\n  b: {user: u}\n"
        ),
        "p/.env": "U=root\n",
        "p/sub/.env": "T=9\nU=sub\n",
        "p/sub/inc.yaml": "services:\n  b: {image: 'y:${T}-${U}', build: ., volumes: ['./v:/v']}\nvolumes: {n: }\n",
    }
    loaded = project(files)
    b = loaded.data["services"]["b"]
    assert (b["image"], b["user"], b["build"]["context"], b["volumes"][0]["source"]) == (
        "y:9-root",
        "u",
        "sub",
        "./sub/v",
    )
    assert isinstance(loaded.data["services"]["a"]["image"], Unknown)
    assert "n" in loaded.data["volumes"]
    assert loaded.span(("services", "b", "image"))[:3] == ("p/sub/inc.yaml", 2, 14)
    assert loaded.span(("services", "b", "user"))[:3] == ("p/compose.yaml", 5, 13)


def test_include_with_folder_env_file_and_override() -> None:
    files = {
        "p/compose.yaml": "include:\n- path: [a/x.yaml, a/y.yaml]\n  env_file: my.env\n  project_directory: other\n",
        "p/my.env": "T=1\n",
        "p/a/x.yaml": "services: {s: {image: 'x:${T}', build: ctx, ports: ['1:1']}}",
        "p/a/y.yaml": "services: {s: {user: u}}",
    }
    assert services(files)["s"]["image"] == "x:1"
    assert services(files)["s"]["build"]["context"] == "other/ctx"
    assert services(files)["s"]["user"] == "u"


@pytest.mark.parametrize(
    ("include", "error"),
    [
        ("x.yaml", "`include` must be a list"),
        ("[no.yaml]", "file `no.yaml` not found"),
        ("[{env_file: x}]", "an include needs a path"),
        ("[loop.yaml]", "include cycle detected"),
        ("[bad.yaml]", "p/bad.yaml:1:16: services.b additional properties 'nope' not allowed"),
        ("[{path: ok.yaml, env_file: no.env}]", "file `no.env` not found"),
    ],
)
def test_include_error(include: str, error: str) -> None:
    files = {
        "p/compose.yaml": f"include: {include}\nservices: {{a: {{image: x}}}}\n",
        "p/loop.yaml": "include: [loop.yaml]\n",
        "p/bad.yaml": "services: {b: {nope: 1}}",
        "p/ok.yaml": "services: {b: {image: x}}",
    }
    (problem,) = errors(files)
    assert error in problem


def test_a_diamond_of_includes_is_one_service() -> None:
    files = {
        "compose.yaml": "include: [a.yaml, b.yaml]",
        "a.yaml": "include: [z.yaml]\nservices: {a: {image: x}}",
        "b.yaml": "include: [z.yaml]\nservices: {b: {image: x}}",
        "z.yaml": "services: {z: {image: q, ports: ['1:1']}}",
    }
    assert len(services(files)["z"]["ports"]) == 1
    assert load(files).files == ("compose.yaml", "a.yaml", "z.yaml", "b.yaml")


def test_what_only_the_network_has_is_not_evaluated() -> None:
    text = "include:\n- https://example.com/x.git\nservices:\n  a: {image: x, depends_on: [there]}\n"
    loaded = load(text)
    assert not loaded.problems
    assert loaded.project is not None
    ((span, reason),) = loaded.not_evaluated
    assert (span.line, reason) == (2, "`https://example.com/x.git` is remote and was not loaded")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("include: ['${X}/a.yaml']\n", "which file this names is unknown"),
        ("include: [{path: a.yaml, project_directory: '${X}'}]\n", "the folder of this include is unknown"),
        ("services: {b: {extends: {file: '${X}', service: a}}}\n", "which file this names is unknown"),
        ("services: {b: {extends: '${X}'}}\n", "which service this extends is unknown"),
    ],
)
def test_what_has_an_unknown_name_is_not_evaluated(text: str, reason: str) -> None:
    loaded = load({"p/compose.yaml": text, "p/a.yaml": "services: {a: {image: x}}"})
    assert not loaded.problems
    assert [item.reason for item in loaded.not_evaluated] == [reason]


def test_many_includes_end() -> None:
    files = {f"{n}.yaml": f"include: [{n + 1}.yaml, ./{n + 1}.yaml]\n" for n in range(40)}
    began = time.perf_counter()
    (problem,) = errors({**files, "40.yaml": "services: {a: {image: x}}"})
    assert "more than 1,000 files" in problem
    assert time.perf_counter() - began < 5


# -- anchors, positions, types -----------------------------------------------------------------------------------------


def test_merge_keys() -> None:
    text = "x-a: &a\n  image: nginx:latest\nservices:\n  s:\n    <<: *a\n    user: u\n"
    assert services(text)["s"] == {"image": "nginx:latest", "user": "u"}
    assert project(text).span(("services", "s", "image"))[1:3] == (2, 10)
    assert project(text).span(("services", "s", "none"))[1:3] == (6, 5)


def test_one_type_for_each_attribute() -> None:
    text = """
services:
  s:
    image: x
    tmpfs: /t
    dns: 1.1.1.1
    expose: [80]
    labels: {n: 1, f: 1.0, b: true, e: }
    healthcheck: {test: echo, retries: "3"}
    env_file: e.env
    depends_on: [o]
    networks: [n]
    secrets: [k]
    build: .
    devices: ['/a']
    gpus: all
    ulimits: {nofile: "5"}
  o: {image: y}
networks: {n: }
secrets: {k: {file: f}}
"""
    s = services(text)["s"]
    assert s == {
        "image": "x",
        "tmpfs": ["/t"],
        "dns": ["1.1.1.1"],
        "expose": ["80"],
        "labels": {"n": "1", "f": "1", "b": "true", "e": None},
        "healthcheck": {"test": ["CMD-SHELL", "echo"], "retries": 3},
        "env_file": [{"path": "e.env", "required": True}],
        "depends_on": {"o": {"condition": "service_started", "required": True}},
        "networks": {"n": None},
        "secrets": [{"source": "k", "target": "/run/secrets/k"}],
        "build": {"context": "."},
        "devices": [{"source": "/a", "target": "/a", "permissions": "rwm"}],
        "gpus": [{"count": "all"}],
        "ulimits": {"nofile": 5},
    }


# -- what is wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "1:1: empty compose file"),
        ("- a\n", "1:1: top-level object must be a mapping"),
        ("services:\n\ta: x\n", "2:1: a tab cannot indent YAML, use spaces"),
        ("services:\n  1: {image: x}\n", "2:3: a key must be a string, put it in quotes: 1"),
        ("services:\n  a: {image: x}\n  a: {image: y}\n", "3:3: duplicate key `a`, first at 2:3"),
        ("services:\n  a: {image: x, ports: [x]}\n", "2:25: invalid port `x`: `x` is no port and no range of ports"),
        ("services:\n  a: {image: x, privileged: maybe}\n", "2:29: `maybe` is not what belongs here"),
        ("services:\n  a: {image: x, mem_limit: lots}\n", "2:28: `lots` is no size, write 512m or 1g"),
        ("services:\n  a: {image: x, stop_grace_period: soon}\n", "2:36: `soon` is no duration, write 1h30m or 20s"),
        ("services:\n  a: {image: x, volumes: [{type: bind, target: /x}]}\n", "field Source must not be empty"),
        ("services:\n  a: {image: x, extra_hosts: [h]}\n", "2:31: invalid additional host `h`, missing IP"),
        ("volumes: {v: {external: true, driver: d}}", '1:31: conflicting parameters "external" and "driver" specified'),
        ("volumes: {v: {external: {name: x}, name: y}}", "name and external.name conflict; only use name"),
        ("configs: {c: {file: f, content: c}}", "1:24: file and content are mutually exclusive"),
        ("services: {a: {image: x, gpus: [{count: 1, device_ids: [x]}]}}", "attributes are exclusive"),
    ],
)
def test_a_file_that_does_not_load(text: str, error: str) -> None:
    loaded = load(text)
    assert loaded.project is None
    (problem,) = loaded.problems
    assert error in str(problem)
    assert problem.file == "p/compose.yaml"


@pytest.mark.parametrize(
    ("service", "error"),
    [
        ("user: u", "2:6: service `a` has neither an image nor a build context specified"),
        ("image: x, networks: [n]", "refers to undefined network n"),
        ("image: x, volumes: ['vol:/x']", "refers to undefined volume vol"),
        ("image: x, secrets: [s]", "refers to undefined secret s"),
        ("image: x, configs: [c]", "refers to undefined config c"),
        ("image: x, models: [m]", "refers to undefined model m"),
        ("image: x, depends_on: [z]", "depends on undefined service `z`"),
        ("image: x, links: ['z:y']", "depends on undefined service `z`"),
        ("image: x, network_mode: 'service:z'", "depends on undefined service `z`"),
        ("image: x, depends_on: [a]", "dependency cycle detected: a -> a"),
        ("image: x, network_mode: host, networks: [default]", "mutually exclusive `network_mode` and `networks`"),
        ("image: x, healthcheck: {test: [echo]}", "healthcheck.test must start either by"),
        ("image: x, scale: 2, container_name: cc", "can't set container_name and scale"),
        ("image: x, scale: 2, deploy: {replicas: 3}", "can't set distinct values on 'scale'"),
        ("image: x, scale: -1", "must be greater than or equal to 0"),
        ("image: x, mem_limit: 1g, deploy: {resources: {limits: {memory: 2g}}}", "distinct values on 'mem_limit'"),
        ("image: x, cpus: 1, deploy: {resources: {limits: {memory: 2g}}}", "distinct values on 'cpus'"),
        ("image: x, tmpfs: /t, volumes: ['/h:/t']", "target /t already mounted"),
        ("image: x, platform: p, build: {platforms: [q]}", "build.platforms must include"),
        ("build: {dockerfile: d, dockerfile_inline: FROM x}", "mutually exclusive dockerfile"),
        ("build: {additional_contexts: {z: 'service:z'}}", "unknown service as additional context z"),
        ("image: x, develop: {watch: [{path: ., action: sync}]}", "target is required for non-rebuild actions"),
    ],
)
def test_a_model_that_contradicts_itself(service: str, error: str) -> None:
    text = f"services:\n  a: {{{service}}}\n"
    loaded = load(text)
    assert loaded.project is not None
    (problem,) = loaded.problems
    assert error in str(problem)
    assert not errors(text, options=Options(consistent=False))


def test_no_contradiction_where_the_values_agree() -> None:
    text = "services:\n  a: {image: x, mem_limit: 1g, deploy: {resources: {limits: {memory: 1024m}}}}\n"
    assert not errors(text)


def test_profiles() -> None:
    text = "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: y, profiles: [debug]}\n  c: {profiles: [debug]}\n"
    assert errors(text) == ["p/compose.yaml:2:30: service `a` depends on undefined service `b`"]
    assert errors(text, options=Options(profiles=["debug"])) == [
        "p/compose.yaml:4:6: service `c` has neither an image nor a build context specified"
    ]
    assert set(load(text).project.data["services"]) == {"a", "b", "c"}  # type: ignore[union-attr]


def test_all_problems_of_a_schema_at_once() -> None:
    text = "services:\n  a: {image: [x], nope: 1}\n  b: {ports: 1}\n"
    assert [e.split(": ")[0] for e in errors(text)] == [f"p/compose.yaml:{p}" for p in ("2:14", "2:19", "3:14")]


def test_a_long_chain_of_dependencies() -> None:
    text = "services:\n" + "".join(f"  s{n}: {{image: x, depends_on: [s{n + 1}]}}\n" for n in range(3_000))
    assert not errors(text + "  s3000: {image: x}\n")


def test_more_ports_than_there_are() -> None:
    text = "services:\n" + "".join(f"  s{n}: {{image: x, ports: ['1-65535:1-65535']}}\n" for n in range(100))
    began = time.perf_counter()
    (problem,) = errors(text)
    assert "more than 196,605 ports in one project" in problem
    assert time.perf_counter() - began < 3


def test_a_range_of_ports_as_telephony_needs_it() -> None:
    found = services("services: {a: {image: x, ports: ['10000-12000:10000-12000/udp']}}")["a"]["ports"]
    assert (len(found), found[-1]["target"], found[-1]["published"]) == (2001, 12000, "12000")


def test_nesting_up_to_the_limit() -> None:
    text = "x-a: " + "[" * 250 + "]" * 250 + "\nservices: {a: {image: x}}\n"
    assert not load({"a.yaml": text, "b.yaml": text}, "a.yaml", "b.yaml").problems


def test_laughing_at_compose() -> None:
    lines = ["x-0: &a0 {A: b}"]
    lines += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 6)]
    began = time.perf_counter()
    loaded = load("\n".join([*lines, "services: {a: {image: x}}"]))
    assert time.perf_counter() - began < 3
    assert "aliases stand for more than" in str(loaded.problems)

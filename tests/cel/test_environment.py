"""The public face of the package: compile, evaluate, errors for people, versions, typed views, variables, caches."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from policykit.cel import (
    BOOL,
    DYN,
    INT,
    NONE,
    STRING,
    CelSyntaxError,
    CelTypeError,
    CompileError,
    Composition,
    Duration,
    Environment,
    EvaluationError,
    Issue,
    ListType,
    MapType,
    ObjectType,
    Optional,
    PlanningError,
    Program,
    StaleProgram,
    Timestamp,
    TypeValue,
    UInt,
)
from policykit.cel.program import FORMAT
from policykit.errors import PolicykitError

PORT = ObjectType("view.Port", {"number": INT, "protocol": STRING})
CONTAINER = ObjectType(
    "view.Container",
    {"name": STRING, "image": STRING, "ports": ListType(PORT), "env": MapType(STRING, STRING), "raw": DYN},
)
ENVIRONMENT = Environment({"container": CONTAINER, "params": DYN})
DATA = {
    "container": {
        "name": "web",
        "image": "nginx:1.25",
        "ports": [{"number": 80, "protocol": "TCP"}],
        "env": {"A": "1"},
        "raw": {"x": None},
    },
    "params": {"max": 100},
}

VALUES = {
    "1 + 2 * 3 - 4 / 3 % 2": 6,
    "-7 / 2": -3,
    "-7 % 2": -1,
    "7u": UInt(7),
    "1.5 * 2.0": 3.0,
    "'a' + \"b\" + '''c''' + r'\\d'": "abc\\d",
    "b'\\xff\\101'": b"\xffA",
    "[1, 2] + [3]": [1, 2, 3],
    "{'a': 1}.a": 1,
    "null": None,
    "[?optional.none(), ?optional.of(1)]": [1],
    "{?'a': optional.none()}": {},
    "timestamp('2024-01-01T00:00:00Z') + duration('1s')": Timestamp(1704067201 * 10**9),
    "duration('1m') - duration('1s')": Duration(59 * 10**9),
    "optional.of(1)": Optional(1),
    "{}.?a": NONE,
    "type(1)": TypeValue("int"),
    "[1, 2, 3].map(x, x > 1, x * 2)": [4, 6],
    "[1, 2].exists_one(x, x == 1)": True,
    "{'a': 1}.transformMap(k, v, v + 1)": {"a": 2},
    "container.ports.all(p, p.number < params.max)": True,
    "container.image.split(':')[1]": "1.25",
    "container.?env['A'].orValue('none')": "1",
    "b'\udc80'": b"?",
    "'\udc80'.size()": 1,
    "dyn(1) == 1.0 && dyn(1) == 1u && dyn(true) != 1": True,
    "has(container.raw.x) && container.raw.x == null": True,
    "has(container.raw.x.y)": False,
    "[3, 1, 2].sort()": [1, 2, 3],
    "['b', 'a'].sortBy(x, x)": ["a", "b"],
    "optional.of([1]).optMap(l, l.size()).value()": 1,
}


@pytest.mark.parametrize(("expression", "expected"), VALUES.items(), ids=str)
def test_values(expression: str, expected: Any) -> None:
    result = ENVIRONMENT.compile(expression).evaluate(DATA)
    assert result == expected
    assert type(result) is type(expected)


ERRORS = {
    "1 / 0": "division by zero",
    "9223372036854775807 + 1": "integer overflow",
    "container.env.missing": "no such key: missing",
    "container.ports[3].number": "index out of bounds: 3",
    "dyn(1) + 'a'": "no such overload",
    "params.max.startsWith('x')": "no such overload",
    "string(params)": "no such overload: string(map)",
    "params.max && true": "no such overload",
    "[1, 2].all(x, x / 0 > 1)": "division by zero",
    "'a'.substring(2)": "index out of range: 2",
    "optional.none().value()": "optional.none() dereference",
}


@pytest.mark.parametrize(("expression", "message"), ERRORS.items(), ids=str)
def test_evaluation_errors(expression: str, message: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        ENVIRONMENT.compile(expression).evaluate(DATA)
    assert str(caught.value) == message


def test_a_compile_error_shows_every_place() -> None:
    with pytest.raises(CelTypeError) as caught:
        ENVIRONMENT.compile("container.imagee == 'é' &&\n  missing + 1 > nothing")
    error = caught.value
    assert error.issues == (
        Issue("undefined field 'imagee', did you mean 'image'?", 1, 10),
        Issue("undeclared reference to 'missing' (in container '')", 2, 3),
        Issue("undeclared reference to 'nothing' (in container '')", 2, 17),
    )
    assert str(error) == (
        "ERROR: <input>:1:10: undefined field 'imagee', did you mean 'image'?\n"
        " | container.imagee == 'é' &&\n"
        " | .........^\n"
        "ERROR: <input>:2:3: undeclared reference to 'missing' (in container '')\n"
        " |   missing + 1 > nothing\n"
        " | ..^\n"
        "ERROR: <input>:2:17: undeclared reference to 'nothing' (in container '')\n"
        " |   missing + 1 > nothing\n"
        " | ................^"
    )


REFUSED = {
    "1 +": (CelSyntaxError, "mismatched input '<EOF>'"),
    "(1": (CelSyntaxError, "mismatched input '<EOF>' expecting ')'"),
    "1 1": (CelSyntaxError, "extraneous input '1'"),
    "'a": (CelSyntaxError, "token recognition error"),
    "as": (CelSyntaxError, "reserved identifier: as"),
    "99999999999999999999": (CelSyntaxError, "invalid int literal"),
    "'\\ud800'": (CelSyntaxError, "invalid unicode code point"),
    "params.`a-b`": (CelSyntaxError, "unsupported syntax"),
    "has(params)": (CelSyntaxError, "invalid argument to has() macro"),
    "[1].all(1, true)": (CelSyntaxError, "argument must be a simple name"),
    "1 == 'a'": (CelTypeError, "found no matching overload for '_==_' applied to '(int, string)'"),
    "[1, 'a']": (CelTypeError, "expected type 'int' but found 'string'"),
    "{'a': 1, 'b': 'c'}": (CelTypeError, "expected type 'int' but found 'string'"),
    "container.ports == 1": (CelTypeError, "'(list(view.Port), int)'"),
    "container.name.all(x, true)": (CelTypeError, "cannot be range of a comprehension"),
    "true && 1": (CelTypeError, "expected type 'bool' but found 'int'"),
    "'x'.matches('[')": (CelTypeError, "invalid matches argument"),
    "duration('x')": (CelTypeError, "invalid duration argument"),
    "'%d'.format(['x'])": (CelTypeError, "decimal clause can only be used on integers"),
    "int('x')": (PlanningError, "type conversion error from 'string' to 'int'"),
    "true || int('x') == 1": (PlanningError, "type conversion error from 'string' to 'int'"),
    "params[null]": (PlanningError, "invalid qualifier type: types.Null"),
    "cel.bind(x, 1, x)": (CelTypeError, "undeclared reference"),
    "math.greatest(1, 2)": (CelTypeError, "undeclared reference to 'math'"),
    "base64.encode(b'a')": (CelTypeError, "undeclared reference to 'base64'"),
}


@pytest.mark.parametrize(("expression", "expected"), REFUSED.items(), ids=str)
def test_refused_expressions(expression: str, expected: tuple[type[CompileError], str]) -> None:
    with pytest.raises(CompileError) as caught:
        ENVIRONMENT.compile(expression)
    assert type(caught.value) is expected[0]
    assert expected[1] in str(caught.value)
    assert isinstance(caught.value, PolicykitError)


def test_an_unbound_variable_is_an_error_only_where_it_is_read() -> None:
    environment = Environment({"a": DYN, "b": DYN})
    assert environment.compile("a || b").evaluate({"a": True}) is True
    with pytest.raises(EvaluationError, match="no such attribute"):
        environment.compile("a && b").evaluate({"a": True})


def test_check_gives_the_type() -> None:
    assert ENVIRONMENT.check("container.ports.map(p, p.number)") == ListType(INT)
    assert ENVIRONMENT.check("params.max") == DYN
    assert ENVIRONMENT.compile("container.name == ''").type == BOOL
    assert str(ENVIRONMENT.check("container.?env.A")) == "optional_type(string)"


#: Expressions and the first version whose API server takes them.
SINCE = {
    "'a'.size() == 1": (1, 20),
    "'a'.find('a')": (1, 20),
    "'a'.matches('a')": (1, 20),
    "{'a': 1}.?a.orValue(2)": (1, 28),
    "quantity('1Mi').isInteger()": (1, 28),
    "1 < 1.5": (1, 28),
    "'%d'.format([1])": (1, 29),
    "sets.contains([1], [1])": (1, 29),
    "ip('127.0.0.1').isLoopback()": (1, 30),
    "cidr('10.0.0.0/8').prefixLength()": (1, 30),
    "format.dns1123Label().validate('a').hasValue()": (1, 31),
    "[1].all(i, v, v > i)": (1, 32),
    "semver('1.0.0').major()": (1, 33),
    "[2, 1].sort()": (1, 34),
    "['b'].sortBy(x, x)": (1, 34),
}


@pytest.mark.parametrize(("expression", "since"), SINCE.items(), ids=str)
def test_libraries_by_kubernetes_version(expression: str, since: tuple[int, int]) -> None:
    Environment({}, kubernetes=since).compile(expression)
    Environment({}, kubernetes=(1, 36)).compile(expression)
    if since > (1, 20):
        with pytest.raises(CompileError):
            Environment({}, kubernetes=(since[0], since[1] - 1)).compile(expression)


def test_a_program_survives_a_cache() -> None:
    program = ENVIRONMENT.compile("container.image.matches('^nginx') && container.ports.exists(p, p.number == 80)")
    loaded = Program.load(program.dump())
    assert loaded.evaluate(DATA) is True
    assert (loaded.expression, loaded.type) == (program.expression, BOOL)
    with pytest.raises(EvaluationError):
        loaded.evaluate({**DATA, "container": {"image": "nginx"}})
    with pytest.raises(StaleProgram):
        Program.load(program.dump().replace(FORMAT.encode(), b"x" * len(FORMAT)))
    with pytest.raises(StaleProgram):
        Program.load(program.dump()[:-9])


def test_the_digest_tells_environments_apart() -> None:
    digests = {
        environment.digest(text)
        for environment in (
            Environment({"a": DYN}),
            Environment({"b": DYN}),
            Environment({"a": STRING}),
            Environment({"a": DYN}, kubernetes=(1, 30)),
            Environment({"a": ObjectType("T", {"x": INT})}),
            Environment({"a": ObjectType("T", {"x": STRING})}),
        )
        for text in ("a", "a ")
    }
    assert len(digests) == 12


def test_variables_are_evaluated_once_and_only_when_read() -> None:
    composition = Composition.compile(
        ENVIRONMENT,
        [
            ("ports", "container.ports.map(p, p.number)"),
            ("big", "variables.ports.exists(p, p > 1000)"),
            ("bad", "1 / 0"),
        ],
    )
    assert not composition.errors
    environment = composition.environment
    assert environment is not None
    assert environment.check("variables.ports") == ListType(INT)
    bound = composition.bind(DATA)
    assert dict(bound["variables"]) == {}
    assert environment.compile("!variables.big || variables.bad == 1").evaluate(bound) is True
    assert dict(bound["variables"]) == {"ports": [80], "big": False}
    with pytest.raises(EvaluationError) as caught:
        environment.compile("variables.bad == 1").evaluate(bound)
    assert str(caught.value) == 'composited variable "bad" fails to evaluate: division by zero'


def test_variables_that_do_not_compile_are_reported_together() -> None:
    composition = Composition.compile(
        ENVIRONMENT, [("a", "missing"), ("b", "variables.a.x == 1"), ("c", "variables.d")]
    )
    assert list(composition.errors) == ["a", "c"]
    assert "undefined field 'd'" in str(composition.errors["c"])
    assert composition.environment is not None
    with pytest.raises(EvaluationError) as caught:
        composition.environment.compile("variables.a == 1").evaluate(composition.bind(DATA))
    assert str(caught.value) == f'composited variable "a" fails to compile: {composition.errors["a"].told}'


def test_importing_the_package_is_cheap() -> None:
    """Nothing heavy is loaded by an import, nor by the evaluation of a cached program."""
    program = ENVIRONMENT.compile("container.image.matches('^nginx')").dump()
    script = (
        "import sys; import policykit.cel; assert 'dataclasses' not in sys.modules\n"
        f"p = policykit.cel.Program.load({program!r})\n"
        "assert p.evaluate({'container': {'image': 'nginx'}}) is True\n"
        "loaded = [m for m in ('parser', 'checker', 'lexer', 'fast', 'exact') if 'policykit.cel.' + m in sys.modules]\n"
        "assert not loaded, loaded\n"
        "assert not {'pydantic', 'jsonschema', 'asyncio', 'hypothesis'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

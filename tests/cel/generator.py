"""Random CEL expressions, mostly well-typed: a seed -> a text, for fuzzing and for comparing with the Go oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

#: What the variables of generated expressions are bound to; each is dyn.
BINDINGS: dict[str, Any] = {
    "o": {
        "metadata": {"name": "web", "labels": {"app": "web", "tier": "front"}, "annotations": None},
        "spec": {
            "replicas": 3,
            "paused": False,
            "ratio": 0.5,
            "containers": [
                {"name": "a", "image": "nginx:1.25", "ports": [80, 443], "resources": {"limits": {"memory": "128Mi"}}},
                {"name": "b", "image": "ghcr.io/x/y@sha256:0", "ports": [], "securityContext": {"privileged": True}},
                {"name": "c", "image": ""},
            ],
            "empty": {},
            "none": None,
        },
    },
    "n": 7,
    "s": "hello",
    "l": [1, 2, 3],
    "m": {"a": 1, "b": "two", "c": [1]},
    "z": None,
    "b": True,
    "d": 2.5,
    "mixed": [1, "a", None, True, 2.5, [1], {"k": 1}],
}

_INTS = ["0", "1", "-1", "2", "7", "42", "9223372036854775807", "-9223372036854775808"]
_STRINGS = ["''", "'a'", "'hello'", "'b'", "'nginx:1.25'", "'é☺'", "'A,b,C'", "' x '", "'1'", "'true'", "'1.5'"]
_FIELDS = [
    "metadata",
    "spec",
    "name",
    "labels",
    "app",
    "containers",
    "image",
    "ports",
    "a",
    "b",
    "c",
    "none",
    "missing",
]
_ORDER = ["<", "<=", ">", ">="]


class Generator:
    """Makes expressions of a wanted type, `depth` levels deep at most."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.scope: list[str] = []

    def one(self, choices: list[str]) -> str:
        return self.random.choice(choices)

    def expression(self, depth: int = 4) -> str:
        """An expression of any type."""
        kind = self.one(
            ["bool", "bool", "bool", "int", "string", "list", "dyn", "double", "uint", "map", "optional", "time"]
        )
        return self.of(kind, depth)

    def of(self, kind: str, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.1:
            return self.leaf(kind)
        if self.random.random() < 0.04:
            return self.of(self.one(["bool", "int", "string", "list", "dyn", "map", "double"]), depth - 1)
        if kind != "dyn" and self.random.random() < 0.08:
            return f"dyn({self.of(kind, depth - 1)})"
        if self.random.random() < 0.06:
            return f"({self.of('bool', depth - 1)} ? {self.of(kind, depth - 1)} : {self.of(kind, depth - 1)})"
        made: str = getattr(self, f"make_{kind}")(depth - 1)
        return made

    def leaf(self, kind: str) -> str:
        if kind == "dyn" and self.scope and self.random.random() < 0.5:
            return self.one(self.scope)
        leaves: dict[str, list[str]] = {
            "bool": ["true", "false", "b", "o.spec.paused"],
            "int": [*_INTS, "n", "o.spec.replicas", "m.a"],
            "uint": ["0u", "1u", "18446744073709551615u", "7u"],
            "double": ["0.0", "1.5", "-2.5", "1e20", "d", "double('NaN')", "double('inf')"],
            "string": [*_STRINGS, "s", "o.metadata.name", "o.metadata.labels.app"],
            "list": ["[]", "[1, 2, 3]", "['a', 'b']", "l", "o.spec.containers", "mixed", "[[1], [2, 3]]", "[1.5, 0.5]"],
            "map": ["{}", "{'a': 1}", "m", "o", "o.metadata.labels", "{1: 'x', 2: 'y'}", "{true: 1}"],
            "dyn": ["o", "n", "s", "l", "m", "z", "b", "d", "mixed", "null", "o.spec.none", "o.metadata.annotations"],
            "optional": ["optional.none()", "optional.of(1)", "o.?spec", "m[?'a']", "l[?1]", "o.?missing"],
            "time": [
                "timestamp('2024-02-29T12:30:45.123Z')",
                "timestamp('1970-01-01T00:00:00+02:30')",
                "duration('1h30m')",
                "duration('-1.5s')",
                "timestamp(0)",
            ],
        }
        return self.one(leaves[kind])

    def make_bool(self, depth: int) -> str:
        r = self.random.randrange(16)
        if r < 4:
            return f"({self.of('bool', depth)} {self.one(['&&', '||'])} {self.of('bool', depth)})"
        if r == 4:
            return f"!{self.of('bool', depth)}"
        if r < 8:
            kind = self.one(["int", "string", "dyn", "list", "map", "double", "uint", "optional", "time", "bool"])
            return f"({self.of(kind, depth)} {self.one(['==', '!='])} {self.of(self.one([kind, kind, 'dyn']), depth)})"
        if r < 10:
            kind = self.one(["int", "string", "dyn", "double", "uint", "time", "int"])
            return f"({self.of(kind, depth)} {self.one(_ORDER)} {self.of(self.one([kind, 'dyn', 'int']), depth)})"
        if r == 10:
            return (
                f"({self.of(self.one(['dyn', 'int', 'string']), depth)} in {self.of(self.one(['list', 'map']), depth)})"
            )
        if r == 11:
            return f"has({self.of(self.one(['dyn', 'map']), depth)}.{self.one(_FIELDS)})"
        if r == 12:
            method = self.one(["startsWith", "endsWith", "contains"])
            return f"{self.of('string', depth)}.{method}({self.of('string', depth)})"
        if r == 13:
            return self.macro(self.one(["all", "exists", "exists_one"]), "bool", depth)
        if r == 14:
            pattern = self.one(["'^a.*'", "'[0-9]+'", "'(a|b)$'", "'l{2}'"])
            return f"{self.of('string', depth)}.matches({pattern})"
        return self.one(
            [
                f"{self.of('optional', depth)}.hasValue()",
                f"{self.of('list', depth)}.isSorted()",
                f"sets.contains({self.of('list', depth)}, {self.of('list', depth)})",
                f"sets.intersects({self.of('list', depth)}, {self.of('list', depth)})",
                f"bool({self.of('string', depth)})",
                f"(type({self.of('dyn', depth)}) == {self.one(['int', 'string', 'list', 'map', 'null_type', 'type'])})",
            ]
        )

    def macro(self, name: str, body: str, depth: int) -> str:
        range_ = self.of(self.one(["list", "list", "map"]), depth)
        variable = f"x{len(self.scope)}"
        two = self.random.random() < 0.25 and name not in {"map", "filter"}
        variables = [variable, f"y{len(self.scope)}"] if two else [variable]
        self.scope += variables
        inner = self.of(body, depth)
        if self.random.random() < 0.3 and name == "map":
            inner = f"{self.of('bool', depth - 1)}, {inner}"
        del self.scope[-len(variables) :]
        return f"{range_}.{name}({', '.join(variables)}, {inner})"

    def make_int(self, depth: int) -> str:
        r = self.random.randrange(8)
        if r < 4:
            return f"({self.of('int', depth)} {self.one(['+', '-', '*', '/', '%'])} {self.of('int', depth)})"
        if r == 4:
            return f"-({self.of('int', depth)})"
        if r == 5:
            return f"size({self.of(self.one(['string', 'list', 'map', 'dyn']), depth)})"
        return self.one(
            [
                f"int({self.of(self.one(['string', 'double', 'uint', 'dyn']), depth)})",
                f"{self.of('string', depth)}.indexOf({self.of('string', depth)})",
                f"{self.of('string', depth)}.lastIndexOf({self.of('string', depth)})",
                f"{self.of('list', depth)}.indexOf({self.of('dyn', depth)})",
                f"{self.of('list', depth)}.sum()",
                f"timestamp('2024-02-29T12:30:45.123Z').{self.one(['getDayOfYear', 'getDayOfWeek', 'getDate'])}()",
                f"{self.of('time', depth)}.{self.one(['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'])}()",
            ]
        )

    def make_uint(self, depth: int) -> str:
        if self.random.random() < 0.5:
            return f"({self.of('uint', depth)} {self.one(['+', '-', '*', '/', '%'])} {self.of('uint', depth)})"
        return f"uint({self.of(self.one(['int', 'double', 'string', 'dyn']), depth)})"

    def make_double(self, depth: int) -> str:
        if self.random.random() < 0.6:
            return f"({self.of('double', depth)} {self.one(['+', '-', '*', '/'])} {self.of('double', depth)})"
        return f"double({self.of(self.one(['int', 'uint', 'string', 'dyn']), depth)})"

    def make_string(self, depth: int) -> str:
        r = self.random.randrange(5)
        if r < 2:
            return f"({self.of('string', depth)} + {self.of('string', depth)})"
        text = self.of("string", depth)
        if r == 2:
            return f"string({self.of(self.one(['int', 'double', 'bool', 'uint', 'time', 'dyn', 'string']), depth)})"
        return self.one(
            [
                f"{text}.charAt({self.of('int', 0)})",
                f"{text}.lowerAscii()",
                f"{text}.upperAscii()",
                f"{text}.trim()",
                f"{text}.replace({self.of('string', 0)}, {self.of('string', 0)})",
                f"{text}.replace({self.of('string', 0)}, {self.of('string', 0)}, {self.of('int', 0)})",
                f"{text}.substring({self.one(['0', '1', '2', '9'])})",
                f"{text}.substring({self.one(['0', '1', '3'])}, {self.one(['1', '2', '3', '9'])})",
                f"{self.of('list', depth)}.join({self.of('string', 0)})",
                f"{text}.find('[a-z]+')",
                f"'%s|%d'.format([dyn({self.of('dyn', depth)}), dyn({self.of('int', depth)})])",
                f"'%s'.format([{self.of(self.one(['list', 'map', 'double', 'time', 'bool']), depth)}])",
            ]
        )

    def make_list(self, depth: int) -> str:
        r = self.random.randrange(6)
        if r == 0:
            kind = self.one(["int", "string", "bool", "dyn", "list"])
            return f"[{', '.join(self.of(kind, depth) for _ in range(self.random.randrange(4)))}]"
        if r == 1:
            return f"({self.of('list', depth)} + {self.of('list', depth)})"
        if r == 2:
            return self.macro("filter", "bool", depth)
        if r == 3:
            return self.macro("map", self.one(["int", "string", "dyn", "bool"]), depth)
        if r == 4:
            return self.macro("transformList", self.one(["int", "dyn"]), depth).replace(".map(", ".transformList(")
        return self.one(
            [
                f"{self.of('string', depth)}.split({self.of('string', 0)})",
                f"{self.of('list', depth)}.distinct()",
                f"{self.of('list', depth)}.reverse()",
                f"{self.of('list', depth)}.slice(0, {self.one(['0', '1', '2', '5'])})",
                f"{self.of('list', depth)}.sort()",
                f"[?{self.of('optional', depth)}]",
                f"{self.of('string', depth)}.findAll('[a-z]')",
            ]
        )

    def make_map(self, depth: int) -> str:
        r = self.random.randrange(3)
        if r == 0:
            value = self.one(["int", "string", "dyn"])
            pairs = [f"{self.one(_STRINGS)}: {self.of(value, depth)}" for _ in range(self.random.randrange(3))]
            return f"{{{', '.join(pairs)}}}"
        if r == 1:
            return f"{{?'k': {self.of('optional', depth)}}}"
        return f"{self.of(self.one(['map', 'list']), depth)}.transformMap(k, v, {self.of('dyn', depth)})"

    def make_dyn(self, depth: int) -> str:
        r = self.random.randrange(8)
        operand = self.of(self.one(["dyn", "map", "dyn"]), depth)
        if r < 3:
            return f"{operand}.{self.one(_FIELDS)}"
        if r == 3:
            return f"{operand}[{self.of(self.one(['string', 'int', 'dyn', 'uint', 'double']), depth)}]"
        if r == 4:
            return f"{self.of('list', depth)}[{self.of('int', 0)}]"
        if r < 7:
            return f"{self.of('optional', depth)}.orValue({self.of('dyn', depth)})"
        return f"dyn({self.of(self.one(['int', 'string', 'list', 'map', 'bool', 'double', 'time']), depth)})"

    def make_optional(self, depth: int) -> str:
        r = self.random.randrange(7)
        if r < 3:
            return f"{self.of(self.one(['dyn', 'map', 'optional']), depth)}.?{self.one(_FIELDS)}"
        if r == 3:
            return f"{self.of(self.one(['dyn', 'map', 'list']), depth)}[?{self.of(self.one(['string', 'int']), 0)}]"
        if r == 4:
            inner = self.of(self.one(["dyn", "int", "string", "list"]), depth)
            return f"optional.{self.one(['of', 'ofNonZeroValue'])}({inner})"
        if r == 5:
            variable = f"x{len(self.scope)}"
            operand = self.of("optional", depth)
            self.scope.append(variable)
            inner = self.of("dyn", depth)
            self.scope.pop()
            return f"{operand}.optMap({variable}, {inner})"
        return f"{self.of('optional', depth)}.or({self.of('optional', depth)})"

    def make_time(self, depth: int) -> str:
        if self.random.random() < 0.6:
            return f"({self.of('time', depth)} {self.one(['+', '-'])} {self.of('time', depth)})"
        return self.one([f"timestamp({self.of('int', 0)})", "duration('1s')", "duration('2h')", "duration('-3ms')"])

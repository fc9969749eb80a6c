"""What the words of a Dockerfile mean: stages, ARG, ENV and the expansion of variables."""

from __future__ import annotations

import pytest

from policykit.document import Source
from policykit.parse.dockerfile import Binding, Build, Dockerfile, Expansion, parse_dockerfile
from policykit.parse.dockerfile.expand import expand, expand_words
from policykit.parse.dockerfile.fragment import LineIndex
from policykit.parse.dockerfile.lexer import MAX_NESTING, UNSET, bind
from policykit.parse.dockerfile.patterns import PatternError, remove_prefix, remove_suffix, replace
from policykit.unknown import HOLE, Unknown

NO_DEFAULT = Binding(Unknown(("`u` has no default value",)), is_set=False, is_empty=True)
VARIABLES = {
    "v": bind("value"),
    "e": bind(""),
    "p": bind("a/b/c.tar.gz"),
    "u": NO_DEFAULT,
    "k": bind(Unknown(("k is a riddle",), f"x{HOLE}")),
    "m": Binding(Unknown(("m may be set",)), is_set=None, is_empty=None),
}


def value(text: str, escape: str = "\\") -> str | Unknown:
    return expansion(text, escape).value


def expansion(text: str, escape: str = "\\") -> Expansion:
    return expand(LineIndex("Dockerfile", text).fragment(0, len(text)), lambda name: VARIABLES.get(name, UNSET), escape)


def build(text: str, **build_args: str | Unknown | None) -> Build:
    return Build(parse_dockerfile(Source("Dockerfile", text)), build_args)


def last_word(text: str, **build_args: str | Unknown | None) -> str | Unknown:
    """What the last word of the last instruction comes to."""
    scope = build(text, **build_args)
    instruction = scope.dockerfile.instructions[-1]
    return scope.expand(instruction.words[-1], instruction).value


class TestExpansion:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("$v ${v}", "value value"),
            ("[$e][$x]", "[][]"),
            ("${x-d} ${e-d} ${v-d}", "d  value"),
            ("${x:-d} ${e:-d} ${v:-d}", "d d value"),
            ("${x+d} ${e+d} ${v+d}", " d d"),
            ("${x:+d} ${e:+d} ${v:+d}", "  d"),
            ("${v?no} ${e?no}", "value "),
            ("${p#*/} ${p##*/}", "b/c.tar.gz c.tar.gz"),
            ("${p%.*} ${p%%.*}", "a/b/c.tar a/b/c"),
            ("${p/\\//-} ${p//\\//-}", "a-b/c.tar.gz a-b-c.tar.gz"),
            ("${p/b*c/X} ${p//?/x}", "a/X.tar.gz xxxxxxxxxxxx"),
            ("${x:-${y:-$v}}", "value"),
            ("\"$v\" '$v' \\$v", "value $v $v"),
            ('"${x:-"a b"}"', "a b"),
            ("a\\", "a"),
            ("$", "$"),
            ("$.", "$."),
        ],
    )
    def test_values(self, text: str, expected: str) -> None:
        assert value(text) == expected

    def test_other_escape(self) -> None:
        assert value('c:\\x `$v "`$v" \\$v', "`") == "c:\\x $v $v \\value"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("'a", "a single quote is not closed"),
            ('"a', "a double quote is not closed"),
            ("${", "a `${` is not closed: no '}' follows"),
            ("${v", "no such substitution: `` after `v`"),
            ("${v:-x", "a `${` is not closed: no '}' follows"),
            ("${}", "`${` is followed by no name"),
            ("${v^^}", "no such substitution: `^` after `v`"),
            ("${v:=x}", "no such substitution: `:=` after `v`"),
            ("${x:?}", "x: the variable must not be unset"),
            ("${e:?}", "e: the variable must not be empty"),
            ("${x?give $v}", "x: give value"),
            ("${v#\\a}", "bad pattern `\\a`: `\\a` escapes nothing"),
            ("${x:-" * (MAX_NESTING + 1), f"more than {MAX_NESTING} nested substitutions"),
        ],
    )
    def test_refused(self, text: str, message: str) -> None:
        outcome = expansion(text)
        assert outcome.error == message
        assert outcome.value == Unknown((message,))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("nginx:$u", Unknown(("`u` has no default value",), f"nginx:{HOLE}")),
            ("${u:-latest}", "latest"),
            ("${u:+x}", ""),
            ("${u?}", Unknown(("`u` has no default value",))),
            ("$k", Unknown(("k is a riddle",), f"x{HOLE}")),
            ("${k:-d}", Unknown(("k is a riddle",), f"x{HOLE}")),
            ("${k:+d}", "d"),
            ("${k%a}", Unknown(("k is a riddle",))),
            ("${k/a/b}", Unknown(("k is a riddle",))),
            ("${v#$u}", Unknown(("`u` has no default value",))),
            ("${m:-d}${m}", Unknown(("m may be set",), HOLE * 2)),
            ("${m+d}", Unknown(("m may be set",))),
            ("$u-$k-$u", Unknown(("`u` has no default value", "k is a riddle"), f"{HOLE}-x{HOLE}-{HOLE}")),
            ("${v:-$u}", "value"),
        ],
    )
    def test_unknown(self, text: str, expected: str | Unknown) -> None:
        assert value(text) == expected

    def test_undeclared_names(self) -> None:
        assert expansion("$a${b:-$c}$v$u$m$a").undeclared == ("a", "c", "b", "m")

    @pytest.mark.parametrize(
        ("text", "part", "columns"),
        [
            ("img:${x:-latest}", "latest", (10, 16)),
            ("img:$v", "value", (5, 7)),
            ("img:$v", "alu", (5, 7)),
            ('"img":\\t', "t", (7, 9)),
            ("'im'g", "img", (2, 6)),
        ],
    )
    def test_places(self, text: str, part: str, columns: tuple[int, int]) -> None:
        fragment = expansion(text).fragment
        start = fragment.text.index(part)
        span = fragment.span(start, start + len(part))
        assert (span.column, span.end_column) == columns

    def test_words_are_split_after_the_expansion(self) -> None:
        text = "a$w\"$w\" \\  '' b"
        lookup = {"w": bind(" x  y ")}
        words = expand_words(LineIndex("f", text).fragment(0, len(text)), lambda name: lookup.get(name, UNSET))
        assert [word.value for word in words] == ["a", "x", "y", " x  y ", " ", "b"]
        assert [word.fragment.span().column for word in words] == [1, 2, 2, 5, 9, 15]

    def test_words_are_refused_as_a_whole(self) -> None:
        (outcome,) = expand_words(LineIndex("f", "a 'b").fragment(0, 4), lambda _: UNSET)
        assert outcome.error.endswith("not closed")


class TestPatterns:
    @pytest.mark.parametrize(
        ("text", "pattern", "shortest", "longest"),
        [
            ("abcabc", "a*b", "cabc", "c"),
            ("abcabc", "*", "abcabc", ""),
            ("abcabc", "?", "bcabc", "bcabc"),
            ("abcabc", "x*", "abcabc", "abcabc"),
            ("abcabc", "*c", "abc", ""),
            ("a*c", "a\\*", "c", "c"),
            ("a.c", "a.", "c", "c"),
            ("aXbYbZ", "a*b*b", "Z", "Z"),
        ],
    )
    def test_prefix(self, text: str, pattern: str, shortest: str, longest: str) -> None:
        assert remove_prefix(text, pattern, longest=False) == shortest
        assert remove_prefix(text, pattern, longest=True) == longest

    @pytest.mark.parametrize(
        ("text", "pattern", "shortest", "longest"),
        [
            ("abcabc", "b*", "abca", "a"),
            ("abcabc", "*", "abcabc", ""),
            ("a.b.c", ".*", "a.b", "a"),
            ("a", "b", "a", "a"),
        ],
    )
    def test_suffix(self, text: str, pattern: str, shortest: str, longest: str) -> None:
        assert remove_suffix(text, pattern, longest=False) == shortest
        assert remove_suffix(text, pattern, longest=True) == longest

    @pytest.mark.parametrize(
        ("pattern", "first", "everywhere"),
        [
            ("b", "aXcabc", "aXcaXc"),
            ("b*c", "aX", "aX"),
            ("*", "X", "X"),
            ("z", "abcabc", "abcabc"),
            ("a?", "Xcabc", "XcXc"),
            ("", "Xabcabc", "XaXbXcXaXbXcX"),
        ],
    )
    def test_replace(self, pattern: str, first: str, everywhere: str) -> None:
        assert replace("abcabc", pattern, "X", everywhere=False) == first
        assert replace("abcabc", pattern, "X", everywhere=True) == everywhere

    @pytest.mark.parametrize("pattern", ["\\b", "a\\"])
    def test_refused(self, pattern: str) -> None:
        with pytest.raises(PatternError, match="escapes nothing"):
            remove_suffix("ab", pattern, longest=False)

    def test_no_pattern_backtracks(self) -> None:
        assert remove_prefix("a" * 50_000, "*a" * 50 + "b", longest=True) == "a" * 50_000


class TestGlobalArguments:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("ARG B=alpine:3\nFROM $B", "alpine:3"),
            ("ARG T=1\nARG B=a:$T\nFROM $B", "a:1"),
            ("ARG T=1 B=a:$T\nFROM $B", "a:1"),
            ("ARG T=1\nARG T\nFROM a:$T", "a:1"),
            ("ARG T\nFROM a:$T", Unknown(("`T` has no default value",), f"a:{HOLE}")),
            ("ARG T\nFROM a:${T:-2}", "a:2"),
            ("FROM a:$T", "a:"),
            ("FROM a-$TARGETARCH", Unknown(("`TARGETARCH` depends on the platform of the build",), f"a-{HOLE}")),
            ("FROM a${TARGETARCH:+-x}", "a-x"),
            ("FROM a:${T:?no}", Unknown(("T: no",))),
            ("FROM x\nARG T=1\nFROM a:$T", "a:"),
        ],
    )
    def test_in_from(self, text: str, expected: str | Unknown) -> None:
        assert last_word(text) == expected

    def test_build_arguments(self) -> None:
        assert last_word("ARG T=1\nFROM a:$T", T="2") == "a:2"
        assert last_word("ARG T=1\nFROM a:$T", T=None) == "a:1"
        assert last_word("FROM a:$T", T="2") == "a:"
        assert last_word("FROM a:$TARGETARCH", TARGETARCH="arm64") == "a:arm64"
        assert last_word("ARG T=1\nFROM a:$T", T=Unknown(("why",))) == Unknown(("why",), f"a:{HOLE}")


class TestStageVariables:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("FROM scratch\nARG U=1\nUSER $U", "1"),
            ("FROM scratch\nUSER $U\nARG U=1", None),
            ("FROM scratch\nUSER a$U", "a"),
            ("ARG U=1\nFROM scratch\nUSER a$U", "a"),
            ("ARG U=1\nFROM scratch\nARG U\nUSER $U", "1"),
            ("ARG U=1\nFROM scratch\nARG U=2\nUSER $U", "2"),
            ("FROM scratch\nARG U\nUSER $U", Unknown(("`U` has no default value",))),
            ("FROM scratch\nENV U=1\nARG U\nUSER $U", "1"),
            ("FROM scratch\nARG U=1\nENV U=2\nUSER $U", "2"),
            ("FROM scratch\nENV A=1\nENV A=2 B=$A\nUSER $B", "1"),
            ("FROM scratch\nARG A=1 B=$A\nUSER $B", "1"),
            ("FROM scratch\nENV A a b\nUSER $A", "a b"),
            ("FROM scratch AS x\nENV A=1\nARG B=2\nFROM x\nUSER $A$B", "12"),
            ("FROM scratch AS x\nENV A=1\nFROM scratch\nUSER a$A", "a"),
            ("FROM scratch\nUSER $PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("FROM a:1\nUSER $PATH", Unknown(("`PATH` comes from the base image `a:1`",))),
            ("FROM a:1\nUSER $U", Unknown(("`U` is not set here and may come from the base image `a:1`",))),
            ("USER $U", Unknown(("`U` is not set here and may come from the base image",))),
            ("FROM a\nENV N=1 $N=2\nARG TARGETOS\nUSER ${TARGETOS:+x}", "x"),
            ("FROM a\nARG TARGETVARIANT\nUSER ${TARGETVARIANT:+x}",
             Unknown(("`TARGETVARIANT` depends on the platform of the build",))),
        ],
    )  # fmt: skip
    def test_values(self, text: str, expected: str | Unknown | None) -> None:
        if expected is None:
            scope = build(text)
            instruction = scope.dockerfile.instructions[1]
            assert scope.expand(instruction.words[0], instruction).value == ""
        else:
            assert last_word(text) == expected

    def test_build_arguments_beat_defaults_but_need_a_declaration(self) -> None:
        assert last_word("FROM scratch\nARG U=1\nUSER $U", U="2") == "2"
        assert last_word("FROM scratch\nUSER a$U", U="2") == "a"
        assert last_word("FROM scratch\nARG U=1\nENV U=3\nUSER $U", U="2") == "3"

    def test_environment(self) -> None:
        scope = build("ARG G=0\nFROM scratch AS a\nENV X=1\nFROM a\nARG G\nENV X=2 Y=$X\n")
        environment = scope.environment(scope.dockerfile.stages[1])
        assert {name: binding.value for name, binding in environment.items()} == {"X": "2", "G": "0", "Y": "1"}


class TestStages:
    TEXT = "ARG B=Base\nFROM a AS base\nUSER u\nFROM $B AS mid\nFROM 0\nFROM mid AS base\nFROM base\n"

    def stages(self) -> tuple[Build, Dockerfile]:
        scope = build(self.TEXT)
        return scope, scope.dockerfile

    def test_parents_are_earlier_stages_by_name_only(self) -> None:
        scope, dockerfile = self.stages()
        parents = [scope.parent(stage) for stage in dockerfile.stages]
        assert [parent and parent.index for parent in parents] == [None, 0, None, 1, 3]

    def test_a_name_used_before_it_is_given_is_an_image(self) -> None:
        scope = build("FROM b\nFROM x AS b\n")
        assert scope.parent(scope.dockerfile.stages[0]) is None

    def test_ancestry(self) -> None:
        scope, dockerfile = self.stages()
        assert [stage.index for stage in scope.ancestry(dockerfile.stages[4])] == [4, 3, 1, 0]

    def test_sources(self) -> None:
        scope, _ = self.stages()
        found = [scope.source(name) for name in ("MID", "0", "4", "5", "base", "nginx", "٣")]
        assert [stage and stage.index for stage in found] == [1, 0, 4, None, 3, None, None]

    def test_target(self) -> None:
        scope, _ = self.stages()
        targets = [scope.target(), scope.target("Mid"), scope.target("2"), scope.target("none")]
        assert [stage and stage.index for stage in targets] == [4, 1, 2, None]

    def test_last(self) -> None:
        scope, dockerfile = self.stages()
        found = scope.last(dockerfile.stages[4], "user")
        assert found is not None
        assert (found[0].words[0].text, found[1].index) == ("u", 0)
        assert scope.last(dockerfile.stages[2], "user") is None

    def test_triggers_run_in_the_next_stage(self) -> None:
        scope = build("FROM scratch AS a\nENV V=1\nONBUILD USER x$V\nONBUILD ENV W=2\nFROM a\nENV V=3\nUSER $W\n")
        child = scope.dockerfile.stages[1]
        assert [i.keyword for i in scope.instructions(child)] == ["user", "env", "env", "user"]
        trigger = scope.instructions(child)[0]
        assert scope.expand(trigger.words[0], trigger, child).value == "x1"
        reason = "`V` gets its value in the build that runs the ONBUILD trigger"
        assert scope.expand(trigger.words[0], trigger).value == Unknown((reason,), f"x{HOLE}")
        own = scope.instructions(child)[3]
        assert scope.expand(own.words[0], own).value == "2"
        assert scope.last(child, "user") == (own, child)

    def test_shell(self) -> None:
        scope = build('FROM a AS b\nRUN x\nSHELL ["p", "-c"]\nRUN y\nFROM b\nRUN z\nFROM c\nRUN w\n')
        runs = [i for i in scope.dockerfile.instructions if i.keyword == "run"]
        assert [scope.shell(run) for run in runs] == [None, ("p", "-c"), ("p", "-c"), None]

    def test_a_long_chain_of_stages(self) -> None:
        text = "FROM scratch AS s0\nENV A=1\n" + "".join(f"FROM s{i} AS s{i + 1}\n" for i in range(3000)) + "USER $A"
        assert last_word(text) == "1"

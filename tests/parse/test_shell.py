"""The shell commands inside a Dockerfile: which they are, how they are joined, and where they stand."""

from __future__ import annotations

import pytest

from policykit.document import Source
from policykit.parse.dockerfile import Build, parse_dockerfile
from policykit.parse.dockerfile.fragment import LineIndex
from policykit.parse.shell import Command, Script, parse_script, script_of


def script(text: str) -> Script:
    return parse_script(LineIndex("script", text).fragment(0, len(text)))


def in_dockerfile(text: str) -> list[Script]:
    build = Build(parse_dockerfile(Source("Dockerfile", text)))
    kinds = ("run", "cmd", "entrypoint", "healthcheck", "onbuild")
    return [script_of(i, build) for i in build.dockerfile.instructions if i.keyword in kinds]


def lines(text: str) -> list[str]:
    """Each command as one text, its words separated by `|`."""
    found = script(text)
    assert found.incomplete is None
    return [joined(command) for command in found.commands]


def joined(command: Command) -> str:
    return "|".join(word.text for word in command.words)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a b\tc", "a|b|c"),
            ("a 'b c' \"d e\" f\\ g", "a|b c|d e|f g"),
            ("a\"b\"'c'd", "abcd"),
            ("a '' \"\"", "a||"),
            ('a "b\\"c\\\\d\\$e\\f"', 'a|b"c\\d$e\\f'),
            ("a b\\\nc \\\n d", "a|bc|d"),
            ("a $'b\\'c\\n'", "a|b'c\n"),
            ('a $"b c"', "a|b c"),
            ("a # b c", "a"),
            ("a b#c", "a|b#c"),
            ("a {b,c} d=e *.f", "a|{b,c}|d=e|*.f"),
            ("a 80", "a|80"),
            ("a b\xa0c\u2028", "a|b\xa0c\u2028"),
            ("a\r", "a"),
            ("ls !(x|y) @(a|b).c", "ls|!(x|y)|@(a|b).c"),
            ("a $x ${y:-z w} $((1 + (2))) $1 $", "a|$x|${y:-z w}|$((1 + (2)))|$1|$"),
            ('a "${x:-"b c"}" ${x:-\'}\'}', "a|${x:-\"b c\"}|${x:-'}'}"),
            ("a ${x:-${y:-${z}}}", "a|${x:-${y:-${z}}}"),
            ("a \"it's ${x:-it's}\"", "a|it's ${x:-it's}"),
        ],
    )
    def test_text(self, text: str, expected: str) -> None:
        assert lines(text) == [expected]

    @pytest.mark.parametrize(
        ("text", "dynamic", "quoted"),
        [("a", False, False), ("'$x'", False, True), ("$x", True, False), ('"$x"', True, True), ("$(b)", True, False),
         ("`b`", True, False), ("<(b)", True, False), ("\\$x", False, True), ("a$", False, False)],
    )  # fmt: skip
    def test_marks(self, text: str, dynamic: bool, quoted: bool) -> None:
        word = script(f"cmd {text}").commands[-1].words[1]
        assert (word.dynamic, word.quoted) == (dynamic, quoted)

    def test_places_through_continuations(self) -> None:
        (found,) = in_dockerfile("RUN apt-get install \\\n  # why\n\n  'foo'=\"1.\\\n  # not this\n2\" \\\n  bar\n")
        (command,) = found.commands
        package = command.words[2]
        assert (package.text, package.span[1:]) == ("foo=1.2", (4, 3, 6, 3))
        assert package.part(4, 7)[1:] == (4, 10, 6, 2)
        assert command.words[3].span[1:] == (7, 3, 7, 6)
        assert command.span[1:] == (1, 5, 7, 6)


class TestLists:
    def test_connectives(self) -> None:
        commands = script("a && b || c; d & e | f |& g\n\nh &&\ni").commands
        assert [c.name for c in commands] == list("abcdefghi")
        assert [c.connective for c in commands] == ["", "&&", "||", ";", "&", "|", "|&", ";", "&&"]
        assert [c.position for c in commands] == [0, 0, 0, 0, 0, 1, 2, 0, 0]
        assert commands[4].pipeline == commands[5].pipeline == commands[6].pipeline != commands[7].pipeline

    def test_a_construct_takes_part_in_a_pipeline(self) -> None:
        commands = script("(a; b) | c | { d; }").commands
        assert [(c.name, c.connective, c.position) for c in commands] == [
            ("a", "", 0),
            ("b", ";", 0),
            ("c", "|", 1),
            ("d", "", 0),
        ]

    @pytest.mark.parametrize(
        ("text", "commands", "contexts"),
        [
            ("if a; then b; elif c; then d; else e; fi; f", "abcdef", [*[("if",)] * 5, ()]),
            ("while a\ndo b\ndone < x; c", "abc", [("while",), ("while",), ()]),
            ("until a; do b; done", "ab", [("until",), ("until",)]),
            ("for x in 1 $(a) 2; do b; done", "ab", [("substitution",), ("for",)]),
            ("for x; do a; done", "a", [("for",)]),
            ("for ((i=0; i<3; i++)); do a; done", "a", [("for",)]),
            ("case $(a) in x|'y z') b;; (c) d ;& *) e; esac; f", "abdef",
             [("substitution",), ("case",), ("case",), ("case",), ()]),
            ("case x in esac; a", "a", [()]),
            ("case x in\n # c\n y)\n a\n ;;\nesac", "a", [("case",)]),
            ("(a; (b))", "ab", [("subshell",), ("subshell", "subshell")]),
            ("{ a; { b; }; }", "ab", [("group",), ("group", "group")]),
            ("f() { a; }; function g() { b; }\nfunction h { c; }; i () ( d )", "abcd", [("function",)] * 4),
            ("! a; time b; ((x = (1+2))); c", "abc", [(), (), ()]),
            ("x $(a | b) `c` \"$(d)\" ${y:-$(e)}", "abcdex", [*[("substitution",)] * 5, ()]),
            ("a <(b) >(c)", "bca", [("substitution",), ("substitution",), ()]),
            ("x=(1 $(a) # c\n 2); b", "ab", [("substitution",), (), ()]),
            ("$( (a); b )", "ab", [("substitution", "subshell"), ("substitution",), ()]),
            ("$((a) | b)", "ab", [("substitution", "subshell"), ("substitution",), ()]),
        ],
    )  # fmt: skip
    def test_constructs(self, text: str, commands: str, contexts: list[tuple[str, ...]]) -> None:
        found = script(text)
        assert found.incomplete is None
        assert "".join(c.name for c in found.commands if len(c.name) == 1) == commands
        assert [c.context for c in found.commands] == contexts

    def test_reserved_words_count_at_the_beginning_only(self) -> None:
        assert lines("echo if then fi; echo done } {") == ["echo|if|then|fi", "echo|done|}|{"]
        assert lines("'if' a; \\for b; iffy") == ["if|a", "for|b", "iffy"]

    def test_conditions(self) -> None:
        assert lines("[[ a && b < c || ( d =~ ^(e|f)$ ) ]] && [ g ]") == ["[[|a|b|c|d|=~|^|e|f|$|]]", "[|g|]"]

    def test_nested_backticks(self) -> None:
        commands = script("a `b \\`c\\``").commands
        assert [(c.name, c.span.column) for c in commands] == [("c", 8), ("b", 4), ("a", 1)]

    def test_scripts_given_to_a_shell(self) -> None:
        assert lines("bash -eo pipefail -c 'a \"b c\" | d' e") == ['bash|-eo|pipefail|-c|a "b c" | d|e', "a|b c", "d"]
        commands = script("sh -c 'a b'").commands
        assert [(c.context, c.span.column) for c in commands] == [((), 1), (("argument",), 8)]
        for text in ("sh x -c 'a b'", "sh -e", "dash", "notash -c 'a b'", "sh -c"):
            assert len(script(text).commands) == 1


class TestCommands:
    def test_assignments(self) -> None:
        (command,) = script('A=1 B="x y" C+=$z D[1]= e F=2').commands
        assert [(a.name, a.value.text, a.value.dynamic) for a in command.assignments] == [
            ("A", "1", False),
            ("B", "x y", False),
            ("C", "$z", True),
            ("D[1]", "", False),
        ]
        assert joined(command) == "e|F=2"
        assert command.assignments[1].value.span[1:] == (1, 7, 1, 12)
        assert command.assignments[1].value.part(2, 3)[1:] == (1, 10, 1, 11)

    def test_assignments_alone(self) -> None:
        (command,) = script("A=1").commands
        assert (command.name, command.words, command.arguments) == ("", (), ())

    def test_redirections(self) -> None:
        (command,) = script('>a b 2>&1 <c 3>>"d e" &>f <<<g h >|i').commands
        assert joined(command) == "b|h"
        assert [(r.descriptor, r.operator, r.target.text) for r in command.redirections] == [
            ("", ">", "a"),
            ("2", ">&", "1"),
            ("", "<", "c"),
            ("3", ">>", "d e"),
            ("", "&>", "f"),
            ("", "<<<", "g"),
            ("", ">|", "i"),
        ]
        assert command.span[1:] == (1, 1, 1, 37)

    def test_here_documents(self) -> None:
        found = script("cat <<A <<-'B' && c\n1 $(d)\nA\n\t2 $(e)\n\tB\nf\n")
        assert found.incomplete is None
        assert [c.name for c in found.commands] == ["cat", "c", "d", "f"]
        bodies = [r.body for r in found.commands[0].redirections]
        assert [body and body.text for body in bodies] == ["1 $(d)\n", "2 $(e)\n"]
        assert bodies[1] is not None
        assert bodies[1].span(0, 1)[1:] == (4, 2, 4, 3)

    def test_a_here_document_of_a_construct(self) -> None:
        found = script("while read l; do a; done <<E > f\nnot a command $(b)\nE\nc\n")
        assert found.incomplete is None
        assert [joined(c) for c in found.commands] == ["read|l", "a", "b", "c"]
        assert all(c.redirections == () for c in found.commands)

    def test_an_unclosed_here_document_goes_to_the_end(self) -> None:
        found = script("cat <<E\nnot a command\n")
        assert [c.name for c in found.commands] == ["cat"]

    def test_a_here_document_for_a_shell_is_a_script(self) -> None:
        commands = script("bash -e <<E\na | b\nE\nc").commands
        assert [(c.name, c.context) for c in commands] == [
            ("bash", ()),
            ("a", ("stdin",)),
            ("b", ("stdin",)),
            ("c", ()),
        ]
        assert [c.name for c in script("python <<E\na\nE\n").commands] == ["python"]

    def test_options(self) -> None:
        (command,) = script("apt-get -qqy --no-install-recommends -t sid -o=a --file=x install b -- -c").commands
        assert [(o.name, o.value) for o in command.options][:4] == [
            ("q", None),
            ("q", None),
            ("y", None),
            ("no-install-recommends", None),
        ]
        assert command.has_flag("y", "yes")
        assert command.has_flag("no-install-recommends")
        assert not command.has_flag("c")
        assert command.flag_value("file") == "x"
        assert command.flag_value("t", "target-release") == "sid"
        assert command.flag_value("missing") is None
        assert [w.text for w in command.operands()] == ["sid", "install", "b", "-c"]
        assert [w.text for w in command.operands({"t"})] == ["install", "b", "-c"]

    @pytest.mark.parametrize(
        ("text", "value"),
        [("a -o x", "x"), ("a -ox", "x"), ("a --out x", "x"), ("a --out=x", "x"), ("a -o", None), ("a -- -o x", None)],
    )
    def test_flag_values(self, text: str, value: str | None) -> None:
        assert script(text).commands[0].flag_value("o", "out") == value

    def test_long_names_with_one_dash(self) -> None:
        assert script("go get -tool x").commands[0].has_flag("tool")


class TestIncomplete:
    @pytest.mark.parametrize(
        ("text", "column", "commands"),
        [
            ("a; b 'c", 6, ["a", "b"]),
            ('a "b', 3, ["a"]),
            ("a $(b", 6, ["b", "a"]),
            ("a ${b", 3, ["a"]),
            ("a `b", 3, ["a"]),
            ("if a; then b", 13, ["a", "b"]),
            ("a; fi", 4, ["a"]),
            ("a )", 3, ["a"]),
            ("a b (c", 5, ["a"]),
            ("case a in b c) d", 13, []),
            ("a;; b", 4, ["a"]),
            ("for", 4, []),
            ("((1", 1, []),
            ("[[ a", 1, ["[["]),
            ("a >", 3, ["a"]),
        ],
    )
    def test_where_and_what_was_read_before(self, text: str, column: int, commands: list[str]) -> None:
        found = script(text)
        assert found.incomplete is not None
        assert found.incomplete.column == column
        assert [c.name for c in found.commands] == commands

    @pytest.mark.parametrize(
        "unit", ["(", "{ ", "$(", "`", "${x:-", "sh -c '", "if ", "case x in a) ", '"$(', "$((", "a <(", "[[ "]
    )
    def test_any_depth_is_survived(self, unit: str) -> None:
        assert script(unit * 4999).incomplete is not None

    def test_balanced_depth(self) -> None:
        assert script("$(" * 40 + "a" + ")" * 40).incomplete is None
        assert script("$(" * 60 + "a" + ")" * 60).incomplete is not None
        assert script("${x:-" * 5000 + "}" * 5000).incomplete is None


class TestInstructions:
    def test_heredoc_scripts(self) -> None:
        (found,) = in_dockerfile("RUN <<-EOF\n\ta \\\n\t  b\n\t# c\n\tcat <<X\n\td\n\tX\n\te\n\tEOF\n")
        assert [joined(c) for c in found.commands] == ["a|b", "cat", "e"]
        assert [c.span[1:] for c in found.commands] == [(2, 2, 3, 5), (5, 2, 5, 9), (8, 2, 8, 3)]

    def test_heredocs_as_input(self) -> None:
        (found,) = in_dockerfile("RUN cat <<A > x && bash <<B; z\n$(y)\nA\nc d\nB\n")
        assert [(c.name, c.span[1:]) for c in found.commands] == [
            ("cat", (1, 5, 1, 16)),
            ("bash", (1, 20, 1, 28)),
            ("z", (1, 30, 1, 31)),
            ("y", (2, 3, 2, 4)),
            ("c", (4, 1, 4, 4)),
        ]

    @pytest.mark.parametrize(
        ("shebang", "posix"),
        [
            ("#!/bin/sh -e", True),
            ("#!/usr/bin/env bash", True),
            ("#! /bin/dash", True),
            ("#!/usr/bin/env python3", False),
            ("#!/usr/bin/perl", False),
        ],
    )
    def test_interpreter_of_a_heredoc(self, shebang: str, posix: bool) -> None:
        (found,) = in_dockerfile(f"RUN <<EOF\n{shebang}\na\nEOF\n")
        assert (found.posix, len(found.commands)) == (posix, int(posix))

    def test_exec_form(self) -> None:
        plain, nested = in_dockerfile(
            'RUN ["apt-get", "install", "-y", "a b"]\nCMD ["/bin/sh", "-ec", "a \\"b c\\" && d"]\n'
        )
        assert [joined(c) for c in plain.commands] == ["apt-get|install|-y|a b"]
        assert plain.commands[0].words[3].span[1:] == (1, 34, 1, 39)
        assert plain.commands[0].has_flag("y")
        assert [joined(c) for c in nested.commands] == ["a|b c", "d"]
        assert [c.span[1:] for c in nested.commands] == [(2, 25, 2, 34), (2, 38, 2, 39)]

    def test_healthcheck_and_onbuild(self) -> None:
        first, second, third = in_dockerfile("HEALTHCHECK --retries=1 CMD a || b\nHEALTHCHECK NONE\nONBUILD RUN c d\n")
        assert [joined(c) for c in first.commands] == ["a", "b"]
        assert second.commands == ()
        assert [(joined(c), c.span.column) for c in third.commands] == [("c|d", 13)]

    @pytest.mark.parametrize(
        ("text", "posix"),
        [
            ("FROM a\nRUN b", True),
            ('FROM a\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN b', True),
            ('FROM a\nSHELL ["/usr/bin/env", "bash", "-c"]\nRUN b', True),
            ('FROM a\nSHELL ["powershell", "-command"]\nRUN b', False),
            ('FROM a\nSHELL ["cmd", "/S", "/C"]\nRUN b', False),
            ('FROM a AS x\nSHELL ["pwsh", "-c"]\nFROM x\nRUN b', False),
            ('FROM a\nRUN b\nSHELL ["pwsh"]', True),
            ("FROM mcr.microsoft.com/windows/servercore:ltsc2022\nRUN b", False),
            ("FROM microsoft/nanoserver\nRUN b", False),
            ("FROM python:3.12-windowsservercore\nRUN b", False),
            ("FROM --platform=windows/amd64 a\nRUN b", False),
            ("FROM mywindows/app\nRUN b", True),
        ],
    )
    def test_shells(self, text: str, posix: bool) -> None:
        (found,) = in_dockerfile(text)
        assert (found.posix, len(found.commands)) == (posix, int(posix))

    def test_other_instructions_have_none(self) -> None:
        build = Build(parse_dockerfile(Source("Dockerfile", "USER a\nRUN\nHEALTHCHECK\n")))
        assert [script_of(i, build) for i in build.dockerfile.instructions] == [Script()] * 3

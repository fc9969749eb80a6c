"""The syntax tree of a Dockerfile: what is read, and where it stands."""

from __future__ import annotations

import pytest

from policykit.document import Source
from policykit.errors import ParseError
from policykit.parse.dockerfile import Dockerfile, Instruction, Word, detect_syntax, parse_dockerfile
from policykit.parse.dockerfile.fragment import LineIndex


def parse(text: str) -> Dockerfile:
    return parse_dockerfile(Source("Dockerfile", text))


def one(text: str) -> Instruction:
    (instruction,) = parse(text).instructions
    return instruction


def at(word: Word) -> tuple[int, int, int, int]:
    return word.span[1:]


def texts(instruction: Instruction) -> list[str]:
    return [word.text for word in instruction.words]


def problems(text: str) -> list[tuple[str, int, int]]:
    return [(p.message, p.span.line, p.span.column) for p in parse(text).problems]


class TestPositions:
    def test_keyword_flags_and_words(self) -> None:
        instruction = one("  COPY --from=build --chown=1:1\ta  b\n")
        assert at(instruction.name) == (1, 3, 1, 7)
        assert [at(flag.word) for flag in instruction.flags] == [(1, 8, 1, 20), (1, 21, 1, 32)]
        assert [flag.name.text for flag in instruction.flags] == ["from", "chown"]
        assert at(instruction.flags[0].name) == (1, 10, 1, 14)
        assert instruction.flags[0].value is not None
        assert at(instruction.flags[0].value) == (1, 15, 1, 20)
        assert [at(word) for word in instruction.words] == [(1, 33, 1, 34), (1, 36, 1, 37)]
        assert instruction.span[1:] == (1, 3, 1, 37)

    def test_columns_count_characters(self) -> None:
        assert at(one("COPY é한😀 /x\n").words[1]) == (1, 10, 1, 12)

    def test_through_continuations_comments_and_blank_lines(self) -> None:
        instruction = one("ENV a=1 \\\n# why\n\n  # b=0 \\\n  b=2\\\n3 \\\n\n")
        assert texts(instruction) == ["a=1", "b=23"]
        assert [at(word) for word in instruction.words] == [(1, 5, 1, 8), (5, 3, 6, 2)]
        assert (instruction.first_line, instruction.last_line, instruction.blank_lines) == (1, 7, (3, 7))
        assert instruction.span[1:] == (1, 1, 6, 2)

    def test_json_elements_with_escapes(self) -> None:
        first, second = one('CMD ["a\\u0042c", "\\ud83d\\ude00"]').words
        assert (first.text, first.raw, at(first)) == ("aBc", '"a\\u0042c"', (1, 6, 1, 16))
        assert first.part(1, 2)[1:] == (1, 8, 1, 14)
        assert (second.text, at(second)) == ("😀", (1, 18, 1, 32))

    def test_half_a_surrogate_pair_is_the_replacement_character(self) -> None:
        assert texts(one('CMD ["\\ud83d"]')) == ["\ufffd"]

    def test_quoted_flag_value(self) -> None:
        (flag,) = one('COPY --chown="a b":c\\ d x y').flags
        assert flag.word.text == "--chown=a b:c d"
        assert flag.word.raw == '--chown="a b":c\\ d'
        assert flag.value is not None
        assert flag.value.part(4, 5)[1:] == (1, 20, 1, 21)

    def test_mount_options(self) -> None:
        (flag,) = one("RUN --mount=type=cache,from=build,readonly,target=/x ls").flags
        assert [(o.name.text, o.value and o.value.text) for o in flag.options] == [
            ("type", "cache"),
            ("from", "build"),
            ("readonly", None),
            ("target", "/x"),
        ]
        source = flag.option("from")
        assert source is not None
        assert source.value is not None
        assert (at(source.name), at(source.value)) == ((1, 24, 1, 28), (1, 29, 1, 34))
        assert flag.option("dst") is None

    def test_byte_order_mark_and_crlf(self) -> None:
        dockerfile = parse("\ufeffFROM a\r\nRUN b \\\r\n  c\r\n")
        assert at(dockerfile.instructions[0].words[0]) == (1, 6, 1, 7)
        assert texts(dockerfile.instructions[1]) == ["b   c"]
        assert at(dockerfile.instructions[1].words[0]) == (2, 5, 3, 4)

    @pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
    def test_only_a_line_feed_ends_a_line(self, character: str) -> None:
        dockerfile = parse(f"RUN a{character}b\nRUN c\n")
        assert [i.first_line for i in dockerfile.instructions] == [1, 2]

    def test_routes(self) -> None:
        dockerfile = parse("FROM a AS b\nCOPY --from=x y z\nONBUILD USER root\nENV k=v\n")
        assert dockerfile.span(("instructions", 1, "words", 1))[1:] == (2, 17, 2, 18)
        assert dockerfile.span(("stages", 0, "base"))[1:] == (1, 6, 1, 7)
        assert dockerfile.span(("instructions", 1, "flags", 0, "value"))[1:] == (2, 13, 2, 14)
        assert dockerfile.span(("instructions", 1, "flags", 0), key=True)[1:] == (2, 8, 2, 12)
        assert dockerfile.span(("instructions", 2, "onbuild", "words", 0))[1:] == (3, 14, 3, 18)
        assert dockerfile.span(("instructions", 3, "pairs", 0, "value"))[1:] == (4, 7, 4, 8)
        assert dockerfile.span(("instructions", 1), key=True)[1:] == (2, 1, 2, 5)
        assert dockerfile.span(("instructions", 1, "words", 99, "x"))[1:] == (2, 1, 2, 18)
        assert dockerfile.span(("no", "such", 1, "route")) == dockerfile.whole
        assert dockerfile.target == "dockerfile"
        assert dockerfile.data is dockerfile

    def test_flag_without_a_value_has_no_options(self) -> None:
        assert one("RUN --mount a").flags[0].options == ()

    def test_an_empty_fragment_has_a_place(self) -> None:
        assert parse("").span(("stages", 0))[1:] == (1, 1, 1, 1)


class TestForms:
    @pytest.mark.parametrize(
        ("text", "form", "words"),
        [
            ('CMD ["a", "b"]', "exec", ["a", "b"]),
            ('CMD\t[ "a" ,\t"b" ] ', "exec", ["a", "b"]),
            ("CMD []", "exec", []),
            ("CMD ['a']", "shell", ["['a']"]),
            ('CMD ["a",]', "shell", ['["a",]']),
            ('CMD ["a"] b', "shell", ['["a"] b']),
            ('CMD ["a" "b"]', "shell", ['["a" "b"]']),
            ('CMD ["a\tb"]', "shell", ['["a\tb"]']),
            ("CMD a  b", "shell", ["a  b"]),
            ("CMD", "shell", []),
            ('COPY ["a b", "c"]', "exec", ["a b", "c"]),
            ("COPY [a, b]", "shell", ["[a,", "b]"]),
            ("USER a b", "shell", ["a b"]),
            ("EXPOSE 80 443/udp", "shell", ["80", "443/udp"]),
            ('HEALTHCHECK CMD ["a"]', "exec", ["CMD", "a"]),
            ("HEALTHCHECK  CMD  a b", "shell", ["CMD", "a b"]),
            ("HEALTHCHECK NONE", "shell", ["NONE"]),
            ('SHELL ["/bin/bash", "-c"]', "exec", ["/bin/bash", "-c"]),
        ],
    )
    def test_json_or_not(self, text: str, form: str, words: list[str]) -> None:
        instruction = one(text)
        assert (instruction.form, texts(instruction)) == (form, words)

    @pytest.mark.parametrize("element", ["1", "-1.5e3", "true", "null", "{}", '{"a": [1]}', '["b"]', "[[[[]]]]"])
    def test_other_elements_are_refused(self, element: str) -> None:
        assert problems(f'CMD ["a", {element}]') == [("a JSON array of arguments holds strings only", 1, 5)]

    @pytest.mark.parametrize("element", ["01", "+1", "tru", "{a}", "{1: 2}", "[", "[1,]", '{"a" 1}', "NaN", "]]", ":"])
    def test_what_is_no_json_is_the_shell_form(self, element: str) -> None:
        text = f'CMD ["a", {element}]'
        assert problems(text) == []
        assert texts(one(text)) == [text[4:]]


class TestPairs:
    @pytest.mark.parametrize(
        ("text", "pairs"),
        [
            ("ENV a b  c", [("a", "b  c", "")]),
            (
                "ENV a=b c=\"d e\" f='g h' i=j\\ k",
                [("a", "b", "="), ("c", '"d e"', "="), ("f", "'g h'", "="), ("i", "j\\ k", "=")],
            ),
            ("LABEL a= b=c=d", [("a", "", "="), ("b", "c=d", "=")]),
            ('LABEL "a b"=c', [('"a b"', "c", "=")]),
            ("ARG a b=c", [("a", None, "="), ("b", "c", "=")]),
            ("ENV a=b\\", [("a", "b", "=")]),
        ],
    )
    def test_names_and_values(self, text: str, pairs: list[tuple[str, str | None, str]]) -> None:
        assert [(p.name.text, p.value and p.value.text, p.separator) for p in one(text).pairs] == pairs

    def test_span(self) -> None:
        pair = one('ENV x=1 name="v w"').pairs[1]
        assert pair.span[1:] == (1, 9, 1, 19)
        assert pair.value is not None
        assert at(pair.value) == (1, 14, 1, 19)
        assert one("ARG ab").pairs[0].span[1:] == (1, 5, 1, 7)

    def test_problems(self) -> None:
        assert problems("ENV a") == [("ENV needs a name and a value", 1, 5)]
        assert problems("LABEL a=b c") == [("no `=` in 'c': write name=value", 1, 11)]
        assert problems("ENV =b") == [("ENV has a value without a name", 1, 5)]


class TestHeredocs:
    def test_body_and_places(self) -> None:
        dockerfile = parse("RUN <<-EOF cat > x\n\ta\n\t\tb\n\tEOF\nUSER c\n")
        instruction = dockerfile.instructions[0]
        (heredoc,) = instruction.heredocs
        assert (heredoc.name, heredoc.expand, heredoc.chomp) == ("EOF", True, True)
        assert (heredoc.content.text, heredoc.body.text) == ("\ta\n\t\tb\n", "a\nb\n")
        assert heredoc.body.span(2, 3)[1:] == (3, 3, 3, 4)
        assert at(heredoc.marker) == (1, 5, 1, 11)
        assert at(heredoc.terminator) == (4, 2, 4, 5)
        assert heredoc.span[1:] == (2, 1, 4, 5)
        assert instruction.span[1:] == (1, 1, 4, 5)
        assert instruction.last_line == 4
        assert dockerfile.instructions[1].first_line == 5

    @pytest.mark.parametrize(
        ("marker", "name", "expand"),
        [
            ("<<E", "E", True),
            ("<<'E F'", "E F", False),
            ('<<"E"', "E", False),
            ("<<  E", "E", True),
            ("<<$E", "$E", True),
            ("<<E\\'", "E'", True),
        ],
    )
    def test_delimiters(self, marker: str, name: str, expand: bool) -> None:
        (heredoc,) = one(f"RUN {marker}\nx\n{name}\n").heredocs
        assert (heredoc.name, heredoc.expand, heredoc.content.text) == (name, expand, "x\n")

    @pytest.mark.parametrize(
        "text",
        [
            'RUN "<<E"\n',
            "RUN echo $((1<<2))\n",
            "RUN a <<< b\n",
            "CMD <<E\n",
            'RUN ["<<E"]\n',
            "RUN it's <<E\n",
            "RUN ${x <<E\n",
        ],
    )
    def test_no_heredoc(self, text: str) -> None:
        assert one(text).heredocs == ()

    def test_several_and_in_onbuild(self) -> None:
        instruction = one("ONBUILD COPY <<a <<b /\n1\na\n2\nb\n")
        assert instruction.onbuild is not None
        assert [h.content.text for h in instruction.heredocs] == ["1\n", "2\n"]
        assert instruction.onbuild.heredocs == instruction.heredocs

    @pytest.mark.parametrize(
        "before", ['"a $b \\"c\\" \\d"', "'it'", "${x:-y z}", "${x/a/b}", "${x}$y", "a\\ b \\<", "a < b", "$"]
    )
    def test_what_may_stand_before_it(self, before: str) -> None:
        (heredoc,) = one(f"RUN {before} <<E\nE\n").heredocs
        assert heredoc.marker.span.column == len(before) + 6

    def test_comments_and_continuations_in_it_are_text(self) -> None:
        dockerfile = parse("RUN <<E\n# no comment\na \\\nE\nE\n")
        assert dockerfile.instructions[0].heredocs[0].content.text == "# no comment\na \\\n"
        assert dockerfile.comments == ()

    def test_unterminated(self) -> None:
        assert problems("FROM a\nRUN cat <<EOF\nx\n") == [("unterminated heredoc: no line reads 'EOF'", 2, 9)]


class TestDirectives:
    def test_places(self) -> None:
        first, second = parse("# syntax = docker/dockerfile:1 \n#ESCAPE=`\n\nFROM a").directives
        assert (first.name, first.value) == ("syntax", "docker/dockerfile:1")
        assert (first.span[1:], first.value_span[1:]) == ((1, 1, 1, 31), (1, 12, 1, 31))
        assert (second.name, second.value, second.span[1:]) == ("escape", "`", (2, 1, 2, 10))

    @pytest.mark.parametrize(
        ("top", "escape"),
        [
            ("# escape=`\n", "`"),
            ("  # EsCaPe  =  `  \n", "`"),
            ("# check=skip=all\n# escape=`\n", "`"),
            ("\n# escape=`\n", "\\"),
            ("# hello\n# escape=`\n", "\\"),
            ("# unknown=x\n# escape=`\n", "\\"),
            ("FROM x\n# escape=`\n", "\\"),
            ("#!/usr/bin/env docker\n# escape=`\n", "\\"),
        ],
    )
    def test_only_at_the_top(self, top: str, escape: str) -> None:
        assert parse(top + "FROM a\n").escape == escape

    def test_escape_changes_continuations_and_words(self) -> None:
        instruction = parse('# escape=`\nENV a=c:\\x b="d`"e" `\n  f=g` h\n').instructions[0]
        assert texts(instruction) == ["a=c:\\x", 'b="d`"e"', "f=g` h"]

    def test_problems(self) -> None:
        assert problems("# escape=x\nFROM a") == [("escape is \\ or `, not 'x'", 1, 10)]
        assert problems("# escape=`\n# escape=`\nFROM a") == [("parser directive given twice: escape", 2, 1)]

    @pytest.mark.parametrize(
        ("text", "syntax"),
        [
            ("# syntax=a:1 --x\n", "a:1"),
            ("#!/bin/x\n# syntax=a\n", "a"),
            ("// syntax=b\n", "b"),
            ('{"syntax": "c"}', "c"),
            ('{"syntax": 1}', ""),
            ("{", ""),
            ("FROM a\n# syntax=d\n", ""),
        ],
    )
    def test_detect_syntax(self, text: str, syntax: str) -> None:
        assert detect_syntax(LineIndex("Dockerfile", text)) == syntax


class TestComments:
    def test_directly_above(self) -> None:
        dockerfile = parse("# far\n\n# near\n  # nearer\nFROM a\n# cut\n#\n# x\nRUN b \\\n  # inner\n  c\nRUN d")
        assert [[c.text for c in i.comments] for i in dockerfile.instructions] == [["near", "nearer"], ["x"], []]
        assert [c.text for c in dockerfile.comments] == ["far", "near", "nearer", "cut", "", "x", "inner"]
        assert dockerfile.comments[2].span[1:] == (4, 3, 4, 11)

    def test_directives_are_none(self) -> None:
        dockerfile = parse("# escape=`\n# c\nFROM a")
        assert [c.text for c in dockerfile.comments] == ["c"]


class TestProblems:
    def test_all_of_them_in_order_and_the_rest_is_read(self) -> None:
        dockerfile = parse("FROM a\nENV x\nFOO b\nCOPY --bad=1 a b\nUSER c\n")
        assert [(p.message, p.span.line, p.kind) for p in dockerfile.problems] == [
            ("ENV needs a name and a value", 2, "syntax"),
            ("unknown instruction: FOO", 3, "instruction"),
            ("unknown flag: --bad", 4, "instruction"),
        ]
        assert [i.keyword for i in dockerfile.instructions] == ["from", "env", "foo", "copy", "user"]

    @pytest.mark.parametrize(
        ("text", "message", "column"),
        [
            ("", "file with no instructions", 1),
            ("# c\n\n", "file with no instructions", 1),
            ("FROM", "FROM is written `FROM image` or `FROM image AS name`", 1),
            ("FROM a b", "FROM is written `FROM image` or `FROM image AS name`", 8),
            ("FROM a IS b", "FROM is written `FROM image` or `FROM image AS name`", 8),
            (
                "FROM a AS 1b",
                "stage name '1b': begin with a letter; then letters, digits and any of `-_.`",
                11,
            ),
            (
                "COPY a",
                "COPY needs a source and a destination",
                1,
            ),
            ("USER", "USER takes one argument", 1),
            ("EXPOSE", "EXPOSE needs an argument", 1),
            ("ONBUILD", "ONBUILD needs an argument", 1),
            ("ONBUILD FROM a", "FROM cannot stand inside ONBUILD", 9),
            ("ONBUILD onbuild RUN a", "ONBUILD cannot stand inside ONBUILD", 9),
            ("ONBUILD FOO", "unknown instruction: FOO", 9),
            ("SHELL a", 'SHELL is written as a JSON array: ["/bin/sh", "-c"]', 7),
            ("HEALTHCHECK", "HEALTHCHECK needs an argument", 1),
            ("HEALTHCHECK NONE x", "nothing may follow HEALTHCHECK NONE", 18),
            ("HEALTHCHECK CMD", "HEALTHCHECK CMD has no command", 13),
            ("HEALTHCHECK TCP 1", "HEALTHCHECK begins with CMD or NONE, not 'TCP'", 13),
            ('VOLUME [" "]', "VOLUME has an empty path", 9),
            ("COPY --link=x a b", "--link is true or false, not 'x'", 6),
            ("COPY --link= a b", "flag without a value: --link", 6),
            ("COPY --from a b", "flag without a value: --from", 6),
            ("COPY --from=a --from=b a b", "flag given twice: --from", 15),
            ("COPY a <<E\nE", "COPY copies a heredoc to a path: write the destination last", 8),
            ("HEALTHCHECK --interval=30 CMD a", "invalid duration '30': write a number and a unit, as in 30s", 13),
            ("HEALTHCHECK --retries=-1 CMD a", "--retries must be a whole number, not '-1'", 13),
            ("RUN --network=x a", "invalid value for --network: 'x'", 5),
            ("RUN --mount=type=x a", "unknown --mount type 'x'", 13),
            (
                "RUN --mount=type=bind,from=$X a",
                "--mount from= takes no variables: name a stage `FROM $IMAGE AS name` and mount from that",
                23,
            ),
            ("RUN --mount=type=bind,targt=x a", "unknown --mount option 'targt'", 23),
            ("RUN --mount=target a", "--mount option 'target' has no value", 13),
            ("RUN --=x a", "unknown flag: --", 5),
            ("USER a\nFROM b", "only ARG may stand before the first FROM", 1),
        ],
    )
    def test_messages(self, text: str, message: str, column: int) -> None:
        assert problems(text) == [(message, 1, column)]

    @pytest.mark.parametrize(
        "text",
        [
            "RUN a",
            "FROM a AS b",
            "COPY --link --parents --chmod=1 --exclude=a --exclude=b x y",
            "ADD --keep-git-dir=TRUE --checksum=sha256:x a b",
            "RUN --mount=type=ssh --mount=type=cache,target=/x --network=none --security=insecure a",
            "RUN --mount=type=$T,RW,target=/x a",
            "HEALTHCHECK --interval=1h1.5m --start-interval=0 --retries=3 CMD a",
            "STOPSIGNAL --x SIGTERM",
            "COPY <<E /x\nE",
            "HEALTHCHECK --nonsense=1 NONE",
            "ARG a\nFROM b",
        ],
    )
    def test_fine(self, text: str) -> None:
        assert problems(text) == []

    def test_a_line_too_long_for_buildkit(self) -> None:
        (problem,) = parse("RUN " + "a" * 65532 + "\n").problems
        assert problem.message == "a line longer than the bytes that BuildKit reads: 65535"
        assert parse("RUN " + "a" * 65531 + "\n").problems == ()

    def test_no_text(self) -> None:
        with pytest.raises(ParseError, match="NUL") as caught:
            parse("FROM a\nRUN \0")
        assert (caught.value.line, caught.value.column) == (2, 5)


class TestStages:
    def test_split(self) -> None:
        dockerfile = parse("ARG a=1\nFROM --platform=$P x AS One\nRUN y\nFROM one\nARG b\n")
        assert [i.index for i in dockerfile.global_args] == [0]
        first, second = dockerfile.stages
        assert (first.name, first.name_word and first.name_word.text) == ("one", "One")
        assert (first.base and first.base.text, first.platform and first.platform.text) == ("x", "$P")
        assert [i.keyword for i in first.instructions] == ["run"]
        assert first.span is not None
        assert first.span[1:] == (2, 1, 3, 6)
        assert (second.index, second.name, second.platform) == (1, "", None)
        assert not dockerfile.is_fragment

    def test_fragment(self) -> None:
        dockerfile = parse("ARG a\nRUN b\n")
        (stage,) = dockerfile.stages
        assert dockerfile.is_fragment
        assert (stage.start, stage.base, len(stage.instructions)) == (None, None, 2)
        assert dockerfile.global_args == ()

"""What the words of a Dockerfile mean in a build: which stage a name stands for, and which ARG and ENV are in force.

Rules: Dockerfile reference, "FROM", "ARG" and "Environment replacement", and BuildKit's `dockerfile2llb` where it is
silent: the latest ARG or ENV of a name wins, and a stage inherits both from the stage it is built on.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from policykit.parse.dockerfile.expand import Expansion, expand, expand_words
from policykit.parse.dockerfile.lexer import UNSET, Binding, bind
from policykit.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from policykit.parse.dockerfile.ast import Dockerfile, Instruction, Pair, Stage, Word

    BuildArgs = Mapping[str, str | Unknown | None]
    Scope = dict[str, list[tuple[int, Binding]]]

#: Instructions whose words BuildKit expands; in the others a shell does, or nobody.
EXPANDED = frozenset(
    {"add", "arg", "copy", "env", "expose", "from", "label", "stopsignal", "user", "volume", "workdir"}
)

#: What BuildKit gives to an image without a PATH of its own.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_PLATFORM_ARGS = frozenset(
    f"{side}{part}" for side in ("BUILD", "TARGET") for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
) | {"TARGETSTAGE"}
_MAY_BE_EMPTY = ("VARIANT", "OSVERSION")
_AT_END = sys.maxsize


class Build:
    """A Dockerfile and the build arguments given from outside (`--build-arg`, Compose `build.args`).

    A build argument counts only where the file declares it by ARG; None stands for one that is not given. Everything is
    worked out on demand, once. Names of stages are compared without regard to case.
    """

    def __init__(self, dockerfile: Dockerfile, build_args: BuildArgs = MappingProxyType({})) -> None:
        self.dockerfile = dockerfile
        self._build_args = {name: value for name, value in build_args.items() if value is not None}
        self._scopes: list[Scope] = []
        self._first_indexes = [stage.start.index if stage.start else 0 for stage in dockerfile.stages]

    def target(self, name: str = "") -> Stage | None:
        """The stage to build: the last one, or the one of that name or index; None where there is none."""
        if not name:
            return self.dockerfile.stages[-1]
        return self.source(name)

    def source(self, name: str) -> Stage | None:
        """The stage that `COPY --from=name` or `RUN --mount=from=name` means, by name or index; None for an image."""
        found = self._by_name.get(name.lower())
        if found is None and name.isascii() and name.isdecimal() and len(name) < 10:
            stages = self.dockerfile.stages
            found = stages[int(name)] if int(name) < len(stages) else None
        return found

    def stage(self, at: Instruction) -> Stage | None:
        """The stage an instruction stands in; None before the first FROM."""
        index = bisect_right(self._first_indexes, at.index) - 1
        return self.dockerfile.stages[index] if index >= 0 else None

    def base(self, stage: Stage) -> Expansion | None:
        """What stands after FROM, expanded: an image, "scratch", or the name of an earlier stage (see `parent`)."""
        return self._bases[stage.index]

    def parent(self, stage: Stage) -> Stage | None:
        """The earlier stage that a stage is built on: by name only, `FROM 0` is an image called 0."""
        return self._parents[stage.index]

    def ancestry(self, stage: Stage) -> Iterator[Stage]:
        """The stage itself, the stage it is built on, and so on up to the one that is built on an image."""
        current: Stage | None = stage
        while current is not None:
            yield current
            current = self.parent(current)

    def instructions(self, stage: Stage) -> tuple[Instruction, ...]:
        """What runs in a stage: the ONBUILD triggers of the stage it is built on, then its own instructions."""
        parent = self.parent(stage)
        return stage.instructions if parent is None else self._triggers[parent.index] + stage.instructions

    def last(self, stage: Stage, keyword: str) -> tuple[Instruction, Stage] | None:
        """The last instruction of that keyword that a stage runs or inherits, and the stage that runs it."""
        for ancestor in self.ancestry(stage):
            for instruction in reversed(self.instructions(ancestor)):
                if instruction.keyword == keyword:
                    return instruction, ancestor
        return None

    def expand(self, word: Word, at: Instruction, stage: Stage | None = None) -> Expansion:
        """The value of a word of the instruction `at` (see `EXPANDED`). Never raises: see `Expansion.error`.

        `stage` is the stage that runs it, where that is not the stage it stands in: a trigger from ONBUILD.
        """
        return expand(word.fragment, self.lookup(at, stage), self.dockerfile.escape)

    def expand_words(self, word: Word, at: Instruction, stage: Stage | None = None) -> tuple[Expansion, ...]:
        """The words that a word of the instruction `at` comes to: for EXPOSE, which splits after the expansion."""
        return expand_words(word.fragment, self.lookup(at, stage), self.dockerfile.escape)

    def lookup(self, at: Instruction, stage: Stage | None = None) -> Callable[[str], Binding]:
        """What each variable stands for just before an instruction; in FROM and before it, the global ARGs."""
        if stage is None:
            if self.dockerfile.instructions[at.index] is not at:
                return _of_a_later_build
            stage = self.stage(at)
        if stage is None or at is stage.start:
            return self._global_at(at.index)
        self._enter(stage)
        first = self._first_indexes[stage.index]
        return lambda name: self._find(name, stage, max(at.index, first))

    def environment(self, stage: Stage) -> dict[str, Binding]:
        """Every variable that the ENV and ARG of a stage and of those it is built on set, at the end of the stage."""
        self._enter(stage)
        names = dict.fromkeys(name for ancestor in self.ancestry(stage) for name in self._scopes[ancestor.index])
        return {name: self._find(name, stage, _AT_END) for name in names}

    def shell(self, at: Instruction) -> tuple[str, ...] | None:
        """The SHELL in force for an instruction; None where the file sets none (the image's own, as a rule sh)."""
        stage = self.stage(at)
        if stage is None:
            return None
        own, inherited = self._shells[stage.index]
        before = bisect_left(own, at.index, key=_index)
        return own[before - 1][1] if before else inherited

    @cached_property
    def _shells(self) -> list[tuple[list[tuple[int, tuple[str, ...]]], tuple[str, ...] | None]]:
        """For each stage the SHELLs it runs, by index, and the one it begins with."""
        found: list[tuple[list[tuple[int, tuple[str, ...]]], tuple[str, ...] | None]] = []
        for stage, parent in zip(self.dockerfile.stages, self._parents, strict=True):
            set_here = (i for i in self.instructions(stage) if i.keyword == "shell" and i.form == "exec")
            own = [(i.index, tuple(word.text for word in i.words)) for i in set_here]
            below, inherited = found[parent.index] if parent else ([], None)
            found.append((own, below[-1][1] if below else inherited))
        return found

    @cached_property
    def _triggers(self) -> list[tuple[Instruction, ...]]:
        stages = self.dockerfile.stages
        return [tuple(i.onbuild for i in stage.instructions if i.onbuild is not None) for stage in stages]

    @cached_property
    def _globals(self) -> Scope:
        scope: Scope = {}
        for instruction in self.dockerfile.global_args:
            for pair in instruction.pairs:
                name = pair.name.text
                lookup = _reader(scope, _AT_END, self._unless_declared)
                binding = self._given(name) or self._default(pair, lookup) or _declared(name, lookup)
                if binding is not None:
                    scope.setdefault(name, []).append((instruction.index, binding))
        return scope

    def _global_at(self, index: int) -> Callable[[str], Binding]:
        return _reader(self._globals, index, self._unless_declared)

    def _unless_declared(self, name: str) -> Binding:
        """A name that no global ARG declares: the platforms are there all the same."""
        if name in _PLATFORM_ARGS:
            return self._given(name) or _platform(name)
        return UNSET

    def _given(self, name: str) -> Binding | None:
        return bind(self._build_args[name]) if name in self._build_args else None

    def _default(self, pair: Pair, lookup: Callable[[str], Binding]) -> Binding | None:
        if pair.value is None:
            return None
        return bind(expand(pair.value.fragment, lookup, self.dockerfile.escape).value)

    @cached_property
    def _by_name(self) -> dict[str, Stage]:
        return {stage.name: stage for stage in self.dockerfile.stages if stage.name}

    @cached_property
    def _bases(self) -> list[Expansion | None]:
        lookup = self._global_at(_AT_END)
        escape = self.dockerfile.escape
        bases = (stage.base for stage in self.dockerfile.stages)
        return [None if base is None else expand(base.fragment, lookup, escape) for base in bases]

    @cached_property
    def _parents(self) -> list[Stage | None]:
        earlier: dict[str, Stage] = {}
        parents = []
        for stage, base in zip(self.dockerfile.stages, self._bases, strict=True):
            value = base.value if base else None
            parents.append(earlier.get(value.lower()) if isinstance(value, str) else None)
            if stage.name:
                earlier[stage.name] = stage
        return parents

    def _enter(self, stage: Stage) -> None:
        """Works out the scopes of all stages up to this one, in order: a stage only builds on earlier ones."""
        for current in self.dockerfile.stages[len(self._scopes) : stage.index + 1]:
            self._scopes.append({})
            for instruction in self.instructions(current):
                if instruction.keyword == "arg":
                    self._run_arg(instruction, current)
                elif instruction.keyword == "env":
                    self._run_env(instruction, current)

    def _run_arg(self, instruction: Instruction, stage: Stage) -> None:
        for pair in instruction.pairs:
            name = pair.name.text
            lookup = self._now(stage)
            binding = (
                self._given(name) or self._default(pair, lookup) or self._inherited(name) or _declared(name, lookup)
            )
            if binding is not None:
                self._bind(name, binding, instruction, stage)

    def _run_env(self, instruction: Instruction, stage: Stage) -> None:
        """All pairs of one ENV see the variables as they were before it."""
        lookup, escape = self._now(stage), self.dockerfile.escape
        bindings = []
        for pair in instruction.pairs:
            name = expand(pair.name.fragment, lookup, escape).value
            value = self._default(pair, lookup)
            if isinstance(name, str) and value is not None:
                bindings.append((name, value))
        for name, value in bindings:
            self._bind(name, value, instruction, stage)

    def _inherited(self, name: str) -> Binding | None:
        """The value that an ARG without a default takes from the global ARG of its name."""
        binding = self._global_at(_AT_END)(name)
        return binding if binding.is_set else None

    def _bind(self, name: str, binding: Binding, instruction: Instruction, stage: Stage) -> None:
        index = max(instruction.index, self._first_indexes[stage.index])  # a trigger stands in an earlier stage
        self._scopes[stage.index].setdefault(name, []).append((index, binding))

    def _now(self, stage: Stage) -> Callable[[str], Binding]:
        return lambda name: self._find(name, stage, _AT_END)

    def _find(self, name: str, stage: Stage, before: int) -> Binding:
        root = stage
        for ancestor in self.ancestry(stage):
            found = _latest(self._scopes[ancestor.index], name, before)
            if found is not None:
                return found
            before = _AT_END
            root = ancestor
        return self._from_image(name, root)

    def _from_image(self, name: str, stage: Stage) -> Binding:
        base = self._bases[stage.index]
        if base is not None and base.value == "scratch":
            return bind(DEFAULT_PATH) if name == "PATH" else UNSET
        image = f"the base image `{base.value}`" if base and isinstance(base.value, str) else "the base image"
        if name == "PATH":
            return Binding(Unknown((f"`PATH` comes from {image}",)))
        return Binding(Unknown((f"`{name}` is not set here and may come from {image}",)), is_set=None, is_empty=None)


def _latest(scope: Scope, name: str, before: int) -> Binding | None:
    """The last binding made by an instruction before that index."""
    entries = scope.get(name)
    if not entries:
        return None
    at = len(entries) if before == _AT_END else bisect_left(entries, before, key=_index)
    return entries[at - 1][1] if at else None


def _index(entry: tuple[int, Any]) -> int:
    return entry[0]


def _reader(scope: Scope, before: int, fallback: Callable[[str], Binding]) -> Callable[[str], Binding]:
    return lambda name: _latest(scope, name, before) or fallback(name)


def _declared(name: str, lookup: Callable[[str], Binding]) -> Binding | None:
    """An ARG without a default and without a build argument leaves a variable that is set as it is."""
    if lookup(name).is_set:
        return None
    return Binding(Unknown((f"`{name}` has no default value",)), is_set=False, is_empty=True)


def _platform(name: str) -> Binding:
    is_empty = None if name.endswith(_MAY_BE_EMPTY) else False
    return Binding(Unknown((f"`{name}` depends on the platform of the build",)), is_empty=is_empty)


def _of_a_later_build(name: str) -> Binding:
    reason = f"`{name}` gets its value in the build that runs the ONBUILD trigger"
    return Binding(Unknown((reason,)), is_set=None, is_empty=None)

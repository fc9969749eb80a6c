"""Configurations: what a file may say, what is wrong with it and where, and how several add up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from policykit.config import Choice, Configs, Name, Settings
from policykit.config.load import load
from policykit.document import Source
from policykit.errors import UsageError
from policykit.suppress.own_rules import OWN_RULES
from policykit.views.base_images import BaseImage
from policykit.views.built_images import BuiltImage
from tests.fakes import FakeCatalogue

if TYPE_CHECKING:
    from policykit.catalogue import Catalogue
    from policykit.config import InForce
    from policykit.config.model import Config

CATALOGUE = cast("Catalogue", FakeCatalogue())
TAG = "image-explicit-tag"


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, which is the working directory."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(text: str) -> Config:
    return load(Source("policykit.yaml", text), Path.cwd())


def problems(text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        config(text)
    return [str(problem) for problem in caught.value.problems]


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class TestLoad:
    @pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "{}", "select:\nrules:\n"])
    def test_a_file_may_say_nothing(self, text: str) -> None:
        assert config(text).select is None

    def test_everything_it_may_say(self) -> None:
        Path("own").mkdir()
        Path("own", "Dockerfile").touch()
        found = config(
            "policies: own\n"
            "select: [image]\nignore: [DL3006, image-explicit-tag]\n"
            "rules: {image-explicit-tag: {enabled: true, severity: info, onUnknown: fail, parameters: {a: 1}}}\n"
            "exclude: ['vendor/']\nfailOn: never\nnamespace: shop\nkubernetesVersion: '1.30'\n"
            "buildArgs: {A: x, B: 1, C: ''}\n"
            "baseImages: {'registry.example/base/*': {user: '10001', tags: 'v*', windows: false}}\n"
            "images: {registry.example/web: {dockerfile: own/Dockerfile, target: run}}\n"
            "exceptions: [{rule: locked, reason: why, files: legacy/, resource: {kind: Pod}, expires: 2027-01-31}]\n"
            "webhook: {anything: [goes]}\n"
        )
        assert found.policies == (Path.cwd() / "own",)
        assert [name.text for name in found.select or ()] == ["image"]
        assert [name.text for name in found.ignore] == ["DL3006", "image-explicit-tag"]
        ((name, options),) = found.rules.items()
        assert (name.text, options.enabled, options.severity, options.on_unknown) == (TAG, True, "info", "fail")
        assert options.parameters == {"a": 1}
        assert (found.exclude, found.fail_on, found.namespace) == (("vendor/",), "never", "shop")
        assert found.kubernetes_version == (1, 30)
        assert found.build_args == {"A": "x", "B": "1", "C": ""}
        assert found.base_images == (BaseImage(("registry.example/base/*",), "10001", "v*", windows=False),)
        assert found.built_images == (BuiltImage(("registry.example/web",), "own/Dockerfile", "run"),)
        (exception,) = found.exceptions
        assert (exception.rule, exception.reason, exception.expires) == ("locked", "why", "2027-01-31")
        assert exception.span[:3] == ("policykit.yaml", 12, 21)
        assert exception.covers_file("legacy/a/b.yaml")
        assert not exception.covers_file("other/legacy.yaml")
        assert found.webhook == {"anything": ["goes"]}

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("slect: [a]", "policykit.yaml:1:1: unknown key `slect` (did you mean `select`?)"),
            ("a: 1", "policykit.yaml:1:1: unknown key `a` (one of baseImages, buildArgs, exceptions, exclude, extends, "
             "failOn, ignore, images, kubernetesVersion, namespace, policies, rules, select, user, webhook)"),
            ("- a", "policykit.yaml:1:1: a configuration must be a mapping, not a list"),
            ("select: {a: 1}", "policykit.yaml:1:9: `select` must be a list, not a mapping"),
            ("select: [1]", "policykit.yaml:1:10: `select[0]` must be a text, not the number 1 (put it in quotes)"),
            ("ignore: ['']", "policykit.yaml:1:10: `ignore[0]` must be a text, not an empty text"),
            ("rules:\n  x: {severty: error}", "policykit.yaml:2:7: unknown key `severty` (did you mean `severity`?)"),
            ("rules: {x: {severity: fatal}}",
             "policykit.yaml:1:23: `rules.x.severity` must be one of error, warning, info, not `fatal`"),
            ("rules: {x: {enabled: 1}}",
             "policykit.yaml:1:22: `rules.x.enabled` must be true or false, not the number 1"),
            ("rules: {x: off}", "policykit.yaml:1:12: `rules.x` must be a mapping, not false"),
            ("failOn: [error]", "policykit.yaml:1:9: `failOn` must be one of error, warning, info, never, not a list"),
            ("exclude: ['!']", "policykit.yaml:1:11: `!` is no pattern as in .gitignore"),
            ("policies: nowhere",
             "policykit.yaml:1:11: `nowhere` is no directory (policies are directories of policy files)"),
            ("namespace: My_Shop", "policykit.yaml:1:12: `My_Shop` cannot be the name of a namespace"),
            ("kubernetesVersion: 1.30",
             "policykit.yaml:1:20: `kubernetesVersion` must be a text, not the number 1.3 (put it in quotes)"),
            ("kubernetesVersion: x", 'policykit.yaml:1:20: `x` is no version of Kubernetes (write it as "1.34")'),
            ("buildArgs: {A: true}", "policykit.yaml:1:16: `buildArgs.A` must be a text, not true (put it in quotes)"),
            ("baseImages: {a: {tags: x}}",
             "policykit.yaml:1:14: says nothing about the user of these images (add `user:`)"),
            ("images: {a: {target: x}}",
             "policykit.yaml:1:10: says nothing about what makes these images (add `dockerfile:`)"),
            ("images: {a: {dockerfile: no/Dockerfile}}", "policykit.yaml:1:26: `no/Dockerfile` is no file"),
            ("images: {a: Dockerfile}", "policykit.yaml:1:13: `images.a` must be a mapping, not `Dockerfile`"),
            ("exceptions: {a: 1}", "policykit.yaml:1:13: `exceptions` must be a list"),
            ("exceptions: [{rule: a}]", "policykit.yaml:1:14: an exception needs a `reason`"),
            ("exceptions: [{rule: a, reason: b, expires: 2027-02-30}]",
             "policykit.yaml:1:44: `2027-02-30` is no date (write it as 2027-01-31)"),
            ("exceptions: [{rule: a, reason: b, expires: 20270101}]",
             "policykit.yaml:1:44: `exceptions[0].expires` must be a text, not the number 20270101 (put it in quotes)"),
            ("a: [", "policykit.yaml:1:5: did not find expected node content while parsing a flow node"),
            ("select: [a]\nselect: [b]", "policykit.yaml:2:1: "),
            ("a: 1\n---\nb: 1", "policykit.yaml:1:1: a configuration is one YAML document, not a stream of several"),
        ],
    )  # fmt: skip
    def test_wrong(self, text: str, expected: str) -> None:
        (problem,) = problems(text)
        assert problem.startswith(expected)

    def test_all_problems_come_together(self) -> None:
        assert len(problems("slect: [a]\nfailOn: x\nrules: {x: {enabled: 1, y: 2}}\n")) == 4


def in_force(*texts: str, choice: Choice | None = None) -> InForce:
    return Settings(tuple(config(text) for text in texts)).in_force(CATALOGUE, choice or Choice())


class TestInForce:
    def test_the_default_set(self) -> None:
        assert in_force().rules.keys() == {TAG, "run-as-non-root", "locked"}
        assert in_force().own.keys() == OWN_RULES.keys()

    @pytest.mark.parametrize(
        ("texts", "rules"),
        [
            (["select: [DL3006]"], {TAG}),
            (["select: [image]"], {TAG, "run-as-non-root", "locked", "off-by-default"}),
            (["select: [image]\nignore: [locked, DL3002]"], {TAG, "off-by-default"}),
            (["rules: {off-by-default: {enabled: true}, locked: {enabled: false}}"],
             {TAG, "run-as-non-root", "off-by-default"}),
            (["ignore: [locked]", "select: [locked]"], {"locked"}),
            (["select: [locked]", "rules: {DL3006: {enabled: true}}"], {"locked", TAG}),
            (["rules: {locked: {enabled: false}}", "rules: {locked: {severity: info}}"], {TAG, "run-as-non-root"}),
        ],
    )  # fmt: skip
    def test_the_nearer_file_has_the_last_word(self, texts: list[str], rules: set[str]) -> None:
        assert in_force(*texts).rules.keys() == rules

    def test_the_command_line_has_the_very_last(self) -> None:
        choice = Choice((Name("image"),), (Name("DL3006"),))
        assert in_force("select: [locked]", choice=choice).rules.keys() == {
            "locked",
            "run-as-non-root",
            "off-by-default",
        }
        assert in_force(choice=Choice(ignore=(Name("image"),))).rules == {}

    def test_settings_add_up(self) -> None:
        assert in_force().rules[TAG].on_unknown == "warn"
        assert in_force().rules[TAG].parameters == {"movingTags": ["latest"]}
        settings = in_force(
            f"rules: {{{TAG}: {{severity: info, parameters: {{movingTags: [a], x: 1}}}}}}",
            f"rules: {{{TAG}: {{parameters: {{movingTags: [b]}}}}}}",
        ).rules[TAG]
        assert (settings.severity, settings.on_unknown) == ("info", "ignore")
        assert settings.parameters == {"movingTags": ["b"], "x": 1}

    def test_rules_about_suppressions_are_rules_too(self) -> None:
        assert "unused-suppression" not in in_force("ignore: [unused-suppression]").own
        assert "unused-suppression" in in_force("select: [locked]").own
        said = "rules: {unused-suppression: {severity: error}, expired-suppression: {enabled: false}}"
        assert in_force(said).own == {"unused-suppression": "error", "invalid-suppression": "warning"}

    def test_names_of_nothing_are_reported_together(self) -> None:
        with pytest.raises(UsageError) as caught:
            in_force("select: [imge]\nrules: {lockd: {}}", choice=Choice(ignore=(Name("zzz"),)))
        assert [str(problem) for problem in caught.value.problems] == [
            "policykit.yaml:1:10: no rule, category or equivalent is called `imge` (`policykit rules` lists them)",
            "policykit.yaml:2:9: no rule, category or equivalent is called `lockd` (did you mean `locked`?)",
            "no rule, category or equivalent is called `zzz` (`policykit rules` lists them)",
        ]


class TestSettings:
    def test_facts(self) -> None:
        settings = Settings(
            (
                config("namespace: far\nkubernetesVersion: v1.30.2\nuser: {username: jane, groups: devs}"),
                config("buildArgs: {A: far, B: far}\nbaseImages: {a: {user: x}}"),
                config("namespace: near\nbuildArgs: {B: near, C: near}\nbaseImages: {b: {user: 1000}}"),
            )
        )
        facts = settings.facts({"C": "said"})
        assert (facts.namespace, facts.kubernetes_version) == ("near", (1, 30))
        assert facts.user == {"username": "jane", "groups": ["devs"]}
        assert facts.build_args == {"A": "far", "B": "near", "C": "said"}
        assert [image.user for image in facts.base_images] == ["1000", "x"]
        assert Settings().facts({}).namespace == "default"

    def test_fail_on(self) -> None:
        assert Settings().fail_on == "error"
        assert Settings((config("failOn: info"), config(""))).fail_on == "info"


class TestConfigs:
    def chain(self, configs: Configs, directory: str) -> list[str]:
        configs.check()
        return [str(c.directory.relative_to(Path.cwd())) for c in configs.settings(Path(directory)).chain]

    def test_from_the_directory_up_to_the_repository(self, repository: Path) -> None:
        for name in ("..", ".", "a/b"):
            write(f"{name}/policykit.yaml", "")
        Path("a/b/c").mkdir()
        try:
            assert self.chain(Configs(), "a/b/c") == [".", "a/b"]
            assert self.chain(Configs(), "a") == ["."]
        finally:
            (repository.parent / "policykit.yaml").unlink()

    def test_a_repository_inside_another_is_on_its_own(self) -> None:
        write("policykit.yaml", "")
        write("vendor/.git/config", "")
        assert self.chain(Configs(), "vendor") == []

    def test_one_that_is_named_is_the_only_one(self) -> None:
        write("policykit.yaml", "namespace: near")
        write("ci/strict.yaml", "exclude: [x]\nnamespace: named")
        configs = Configs("ci/strict.yaml")
        assert configs.settings(Path()).facts({}).namespace == "named"
        assert configs.excluded(Path("ci")) == ("x",)
        assert configs.excluded(Path()) == ()

    def test_excluded_is_what_this_very_directory_says(self) -> None:
        write("policykit.yaml", "exclude: [a, b]")
        Path("sub").mkdir()
        assert list(Configs().excluded(Path())) == ["a", "b"]
        assert list(Configs().excluded(Path("sub"))) == []

    def test_problems_of_all_files_come_together(self) -> None:
        write("policykit.yaml", "failOn: x")
        write("a/policykit.yaml", "failOn: y")
        configs = Configs()
        configs.settings(Path("a"))
        with pytest.raises(UsageError) as caught:
            configs.check()
        assert [problem.where for problem in caught.value.problems] == ["policykit.yaml:1:9", "a/policykit.yaml:1:9"]

    def test_another_ending_is_a_mistake(self) -> None:
        write("policykit.yml", "")
        configs = Configs()
        configs.settings(Path())
        with pytest.raises(UsageError, match="rename it to policykit"):
            configs.check()

    @pytest.mark.parametrize("content", [b"\xff", None])
    def test_one_that_cannot_be_read(self, content: bytes | None) -> None:
        if content is not None:
            Path("c.yaml").write_bytes(content)
        with pytest.raises(UsageError, match=r"c\.yaml:1:1"):
            Configs("c.yaml").check()

    @pytest.mark.parametrize(("walked", "complete"), [([Path()], True), ([Path("sub")], False), ([], False)])
    def test_exceptions_know_whether_all_they_speak_of_is_in_the_run(self, walked: list[Path], complete: bool) -> None:
        write("policykit.yaml", "exceptions: [{rule: a, reason: b}]")
        (exception,) = Configs(walked=walked).settings(Path()).exceptions
        assert exception.scope_is_complete is complete

    def test_exceptions_cover_files_below_their_directory(self) -> None:
        write(
            "sub/policykit.yaml", "exceptions: [{rule: a, reason: b}, {rule: a, reason: b, files: ['*.yml', '!x.yml']}]"
        )
        whole, part = Configs().settings(Path("sub")).exceptions
        names = ["sub/a.yml", "sub/b/x.yml", "sub/Dockerfile", "subway/a.yml", "a.yml"]
        assert [name for name in names if whole.covers_file(name)] == names[:3]
        assert [name for name in names if part.covers_file(name)] == ["sub/a.yml"]


def test_a_configuration_does_not_load_pydantic() -> None:
    import subprocess
    import sys

    write("policykit.yaml", "select: [a]\nrules: {a: {severity: info}}")
    code = (
        "import sys; from pathlib import Path; from policykit.config import Configs; c = Configs(); c.settings(Path());"
        "c.check(); print(*({'pydantic', 'jsonschema', 'pathspec'} & sys.modules.keys()))"
    )
    done: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

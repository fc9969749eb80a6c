from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policykit.catalogue import Catalogue, load_catalogue
from policykit.catalogue.rules import default_settings, rule_set
from policykit.document import Source, Span
from policykit.errors import UsageError
from policykit.parse.dockerfile import parse_dockerfile
from policykit.views.project import Facts, Project
from policykit.views.view import Place, Subject

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """\
apiVersion: policykit.dev/v1
kind: Policy
metadata:
  name: {name}
spec:
  summary: Image is too new
  category: image
  severity: warning
  targets: [dockerfile]
  forEach: image
  parameters:
    limit: {{type: integer, default: 3}}
  validations:
    - expression: {expression}
      message: too new
      at: ref
  fix: Wait.
"""


def write(folder: Path, name: str = "image-too-new", expression: str = "size(image.tag) > params.limit") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.yaml"
    file.write_text(POLICY.format(name=name, expression=expression))
    return file


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(UsageError) as caught:
        load_catalogue([folder])
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_users_policy_joins_the_built_in_ones(tmp_path: Path) -> None:
    write(tmp_path)
    catalogue = load_catalogue([tmp_path])
    assert catalogue.get("image-too-new") is not None
    assert catalogue.get("image-explicit-tag") is not None


def test_a_misspelt_field_is_a_load_error_at_its_place(tmp_path: Path) -> None:
    write(tmp_path, expression="image.tagg == ''")
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("image-too-new.yaml:14:24: ")
    assert "tagg" in problem
    assert "tag" in problem


def test_a_misspelt_parameter_is_a_load_error(tmp_path: Path) -> None:
    write(tmp_path, expression="params.limits > 3")
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("image-too-new.yaml:14:")


def test_an_expression_that_is_no_condition_is_a_load_error(tmp_path: Path) -> None:
    write(tmp_path, expression="image.tag")
    assert problems_of(tmp_path) == ["image-too-new.yaml:14:19: the expression gives string, bool is wanted"]


def test_all_problems_of_one_load_are_told_together(tmp_path: Path) -> None:
    write(tmp_path, name="first", expression="image.nothing")
    write(tmp_path, name="second", expression="(")
    broken = write(tmp_path, name="third")
    broken.write_text(broken.read_text().replace("severity: warning", "severity: fatal").replace("fix:", "fixed:"))
    found = problems_of(tmp_path)
    assert {problem.split(":")[0] for problem in found} == {"first.yaml", "second.yaml", "third.yaml"}
    assert any("unknown key `fixed` (did you mean `fix`?)" in problem for problem in found)
    assert any("third.yaml:8:13: `severity`" in problem for problem in found)


def test_an_id_is_the_files_stem(tmp_path: Path) -> None:
    write(tmp_path, name="image-too-new").rename(tmp_path / "other.yaml")
    assert problems_of(tmp_path)[0].startswith("other.yaml:4:9: the policy is called `image-too-new`, its file `other`")


def test_an_id_is_used_once(tmp_path: Path) -> None:
    write(tmp_path, name="image-explicit-tag")
    assert "is already the id of" in problems_of(tmp_path)[0]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("forEach: image", "forEach: images", "there is no view `images` (did you mean `image`?)"),
        ("targets: [dockerfile]", "targets: [compose, helm]", "`targets[1]`: input should be"),
        ("at: ref", "at: reff", "has no part `reff` (did you mean `ref`?)"),
        ("default: 3", "default: three", "the default is not what the schema asks for"),
        ("type: integer", "type: intege", "not a JSON Schema"),
    ],
)
def test_names_that_do_not_exist(tmp_path: Path, key: str, value: str, message: str) -> None:
    file = write(tmp_path)
    file.write_text(file.read_text().replace(key, value))
    assert any(message in problem for problem in problems_of(tmp_path))


def test_a_folder_without_policies_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no policy in this folder"):
        load_catalogue([tmp_path])


def test_what_is_no_utf8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\xfa")
    assert "not UTF-8" in problems_of(tmp_path)[0]


@pytest.fixture
def catalogue() -> Catalogue:
    return load_catalogue()


def test_names_resolve(catalogue: Catalogue) -> None:
    assert catalogue.resolve("image-explicit-tag") == ("image-explicit-tag",)
    assert "image-explicit-tag" in catalogue.resolve("dl3007")
    assert "image-explicit-tag" in catalogue.resolve("image")
    assert catalogue.resolve("all") == tuple(policy.id for policy in catalogue.policies)
    assert catalogue.resolve("nothing-like-it") == ()


def test_a_warm_load_gives_the_same_catalogue_and_a_damaged_cache_does_no_harm(tmp_path: Path) -> None:
    cold = load_catalogue(cache=tmp_path)
    (stored,) = tmp_path.iterdir()
    warm = load_catalogue(cache=tmp_path)
    assert warm.policies == cold.policies
    assert [warm.digest(p.id) for p in warm.policies] == [cold.digest(p.id) for p in cold.policies]
    stored.write_bytes(stored.read_bytes()[:-7])
    assert load_catalogue(cache=tmp_path).policies == cold.policies


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    assert load_catalogue(cache=nowhere).policies


def test_a_changed_policy_is_compiled_anew(tmp_path: Path) -> None:
    folder, cache = tmp_path / "policies", tmp_path / "cache"
    write(folder, expression="1 > 2")
    before = load_catalogue([folder], cache=cache)
    write(folder, expression="1 < 2")
    after = load_catalogue([folder], cache=cache)
    assert before.digest("image-too-new") != after.digest("image-too-new")
    subject = Subject({}, parse_dockerfile(Source("Dockerfile", "FROM a\n")), lambda _: Place(Span("", 1, 1, 1, 1), ""))
    project = Project((), Facts())
    assert before.check("image-too-new").judge(subject, project, {})
    assert not after.check("image-too-new").judge(subject, project, {})


def test_parameters_are_checked_against_their_schema(catalogue: Catalogue) -> None:
    policy = catalogue.get("image-explicit-tag")
    assert policy is not None
    settings = default_settings(policy)
    for parameters, message in (
        ({"movingTags": "latest"}, "parameter `movingTags`"),
        ({"movingTag": []}, "there is no parameter `movingTag`"),
    ):
        wrong = type(settings)(settings.severity, settings.on_unknown, {**settings.parameters, **parameters})
        with pytest.raises(UsageError, match=message):
            rule_set(catalogue, {policy.id: wrong})


def test_the_digest_names_policies_and_settings(catalogue: Catalogue) -> None:
    policy = catalogue.get("image-explicit-tag")
    assert policy is not None
    settings = default_settings(policy)
    changed = type(settings)(settings.severity, settings.on_unknown, {"movingTags": ["latest", "edge"]})
    digests = {rule_set(catalogue, rules).digest for rules in ({}, {policy.id: settings}, {policy.id: changed})}
    assert len(digests) == 3
    assert rule_set(catalogue, {policy.id: settings}).digest in digests


def test_a_whole_number_is_a_double_where_the_schema_says_number(tmp_path: Path) -> None:
    file = write(tmp_path, expression="params.limit * 1.5 > 4.0")
    file.write_text(file.read_text().replace("type: integer", "type: number"))
    catalogue = load_catalogue([tmp_path])
    policy = catalogue.get("image-too-new")
    assert policy is not None
    rules = rule_set(catalogue, {policy.id: default_settings(policy)})
    assert rules.rules[policy.id].parameters == {"limit": 3.0}
    assert type(rules.rules[policy.id].parameters["limit"]) is float

"""Names of images and the Dockerfile stages that make them: joined where the files say so, else not at all."""

from __future__ import annotations

import pytest

from policykit.unknown import Unknown
from policykit.views.built_images import BuiltImage, image_stage, stage_of
from policykit.views.compose import compose_containers
from policykit.views.project import Facts
from tests.views.images_built import project

DOCKERFILE = "FROM alpine:3.20 AS run\nARG MODE\nFROM run AS test\nFROM run AS last\n"


def made(ref: str, compose: str, facts: Facts | None = None) -> str | None:
    """The name of the stage that makes an image."""
    files = {"compose.yaml": compose, "Dockerfile": DOCKERFILE, "other/Dockerfile": "FROM alpine:3.20 AS other\n"}
    found = stage_of(ref, project(files, facts))
    return None if found is None else found.stage.name


def services(*lines: str) -> str:
    return "services:\n" + "".join(f"  s{number}: {{{line}}}\n" for number, line in enumerate(lines))


class TestCompose:
    @pytest.mark.parametrize(
        ("ref", "stage"),
        [
            ("ghcr.io/shop/web:1", "last"),
            ("ghcr.io/shop/web:2", "last"),  # a tag is a version of the image
            ("ghcr.io/shop/web@sha256:" + "0" * 64, "last"),
            ("ghcr.io/shop/api:1", None),
            ("shop/web:1", None),
            ("quay.io/shop/web:1", "last"),  # by `build.tags`
            ("", None),
        ],
    )
    def test_by_the_name_of_the_image(self, ref: str, stage: str | None) -> None:
        compose = services('build: {context: ., tags: ["quay.io/shop/web:x"]}, image: "ghcr.io/shop/web:1"')
        assert made(ref, compose) == stage

    @pytest.mark.parametrize(
        ("image", "ref", "stage"),
        [
            ("nginx", "nginx:latest", "last"),
            ("nginx", "docker.io/library/nginx", "last"),
            ("nginx", "nginx:1.27", None),  # the official one
            ("nginx", "nginx@sha256:" + "0" * 64, None),
            ("me/nginx", "me/nginx:1.27", "last"),
        ],
    )
    def test_a_plain_name_may_be_an_official_image(self, image: str, ref: str, stage: str | None) -> None:
        assert made(ref, services(f"build: ., image: {image}")) == stage

    def test_the_target_counts(self) -> None:
        assert made("a/b", services("build: {context: ., target: test}, image: a/b")) == "test"
        assert made("a/b", services("build: {context: ., target: absent}, image: a/b")) is None

    def test_those_that_build_it_have_to_agree(self) -> None:
        same = 'build: ., image: "a/b:1"'
        assert made("a/b:3", services(same, 'build: {context: .}, image: "a/b:2"')) == "last"
        for other in (
            "{context: other}",
            "{context: ., target: run}",
            "{context: ., args: {MODE: x}}",
            "{context: no}",
        ):
            both = services(same, f'build: {other}, image: "a/b:2"')
            assert made("a/b:3", both) is None
            assert made("a/b:1", both) == "last"  # only one of them gives the very tag

    def test_a_part_that_is_not_known(self) -> None:
        assert made("a/b:1", services('build: ., image: "a/b:${TAG}"')) == "last"
        assert made("a/b:1", services('build: ., image: "${HOST}/b:1"')) is None

    def test_a_service(self) -> None:
        known = project({"compose.yaml": services("build: ., image: web", "image: web"), "Dockerfile": DOCKERFILE})
        (document,) = (d for d in known.documents if d.target == "compose")
        first, second = (image_stage(s, document, known) for s in document.data["services"].values())
        assert first is not None
        assert first == second

    def test_a_service_without_its_dockerfile(self) -> None:
        known = project({"compose.yaml": services("build: nowhere")})
        (document,) = known.documents
        assert isinstance(image_stage(document.data["services"]["s0"], document, known), Unknown)

    @pytest.mark.parametrize("text", ["", "# nothing\n", "USER app\n"])
    def test_a_dockerfile_that_makes_no_image(self, text: str) -> None:
        known = project({"compose.yaml": services("build: ., image: a/b"), "Dockerfile": text})
        (document,) = (d for d in known.documents if d.target == "compose")
        assert isinstance(image_stage(document.data["services"]["s0"], document, known), Unknown)
        assert stage_of("a/b", known) is None
        assert isinstance(next(iter(compose_containers(document, known))).data["user"]["root"], Unknown)

    def test_a_dockerfile_within_the_compose_file(self) -> None:
        inline = "build:\n      dockerfile_inline: |\n        FROM scratch\n        USER 1\n"
        text = f"services:\n  a:\n    image: x/a\n    {inline}"
        found = stage_of("x/a:2", project({"compose.yaml": text}))
        assert found is not None
        assert found.place(found.stage.instructions[-1]) == "compose.yaml (dockerfile_inline):2"


class TestConfiguration:
    FACTS = Facts(
        built_images=(
            BuiltImage(("ghcr.io/shop/web",), "Dockerfile", "test"),
            BuiltImage(("ghcr.io/shop/*",), "other/Dockerfile"),
            BuiltImage(("gone",), "gone/Dockerfile"),
        )
    )

    @pytest.mark.parametrize(
        ("ref", "stage"),
        [("ghcr.io/shop/web:7", "test"), ("ghcr.io/shop/api", "other"), ("gone", None), ("ghcr.io/else", None)],
    )
    def test_the_first_entry_that_matches(self, ref: str, stage: str | None) -> None:
        assert made(ref, "services: {}", self.FACTS) == stage

    def test_it_has_the_word_before_compose(self) -> None:
        assert made("ghcr.io/shop/web", services("build: ., image: ghcr.io/shop/web"), self.FACTS) == "test"

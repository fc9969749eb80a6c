"""The places an image writes to, as its Dockerfile shows them, and what shows nothing."""

from __future__ import annotations

from time import process_time

import pytest

from policykit.unknown import Unknown
from policykit.views.stage_writes import working_directory, writes
from tests.views.images_built import built


def found(text: str, user: str | Unknown = "app") -> list[tuple[str, str]]:
    return [(write.path, write.how) for write in writes(*built(f"FROM alpine:3.20\n{text}\n"), user)]


def test_volumes() -> None:
    text = 'ARG D=/x\nVOLUME /a $D/y/\nVOLUME ["/b c", "relative", "//d", "/dev/z"]\nVOLUME /a\n'
    assert found(text) == [("/a", "volume"), ("/x/y", "volume"), ("/b c", "volume"), ("/d", "volume")]
    assert found("ARG D\nVOLUME $D") == []
    assert [w.path for w in writes(*built("FROM a AS x\nVOLUME /a\nFROM x\n"), "app")] == ["/a"]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("CMD date > /run/started && exec web", ["/run/started"]),
        ("WORKDIR /app\nCMD date >> log/web 2>&1; web", ["/app/log/web"]),
        ("CMD date >> log/web", []),  # the working directory is the base image's
        ('ENTRYPOINT ["sh", "-c", "mkdir -p /run/web /tmp/web && web"]', ["/run/web", "/tmp/web"]),
        ('ENTRYPOINT ["tini", "--"]\nCMD web | tee /var/log/web', ["/var/log/web"]),
        ('ENTRYPOINT ["web"]\nCMD touch /x', []),  # arguments of another program
        ("CMD if [ -n x ]; then date > /x; fi; test -f /y || touch /y", []),
        ("CMD cd /srv && touch x && touch /z", ["/z"]),
        ("CMD touch $HOME/x '/a*' > /dev/stdout", []),
        ("CMD web < /etc/web.conf", []),
    ],
)
def test_start_commands(text: str, paths: list[str]) -> None:
    assert found(text) == [(path, "command") for path in paths]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("RUN mkdir -p /data && chown app:app /data", ["/data"]),
        ("RUN mkdir -p /data/x\nRUN chown -R app /data", ["/data/x"]),
        ("RUN mkdir -p /data/x\nRUN chown app /data", []),
        ("ENV D=/data\nRUN mkdir $D && chown app.app ${D}", ["/data"]),
        ("WORKDIR /srv\nRUN mkdir tmp && chmod 1777 tmp", ["/srv/tmp"]),
        ("RUN mkdir /data && chmod a+rwx /data", ["/data"]),
        ("RUN mkdir -m 777 /data", ["/data"]),
        ("RUN mkdir -pm777 /data", ["/data"]),
        ("RUN mkdir --mode=777 --parents /data", ["/data"]),
        ("RUN install -d -o app -m 0700 /data", ["/data"]),
        ("RUN install -d /data", []),
        ("RUN mkdir /data && chmod 755 /data", []),
        ("RUN mkdir /data && chown other /data", []),
        ("RUN chown app /data", []),  # it is the base image's
        ("RUN mkdir -p /home/app && chown app /home/app", []),
        ("RUN adduser -h /data app && mkdir /data && chown app /data", []),  # a home
        ("RUN mkdir /app && chown app /app\nWORKDIR /app\nCOPY . .", []),
        ("RUN mkdir /app && chown app /app\nCOPY x /app/sub/", []),
        ("RUN mkdir /app && chown app /app\nARG D\nCOPY x $D", []),
        ("RUN mkdir /app && chown app /app && tar xf /x.tar -C/app", []),
        ("RUN mkdir /app && chown app /app && date > /app/built", []),
        ("RUN mkdir /app && chown app /app\nWORKDIR /app\nRUN make", []),
        ("RUN cd /srv && mkdir tmp && chown app tmp", []),
        ("RUN mkdir /app && chown app /app && 'unfinished", []),
    ],
)
def test_directories(text: str, paths: list[str]) -> None:
    assert found(text) == [(path, "directory") for path in paths]


def test_a_hostile_dockerfile_takes_no_longer_than_it_is_long() -> None:
    made = "".join(f"RUN mkdir /d{n} && chown -R app /d{n} /x && touch /f{n}\n" for n in range(5000))
    made += f"RUN mkdir {'/d' * 200_000} && chown -R app /x\n"
    began = process_time()
    assert found(made) == []
    assert process_time() - began < 5


def test_a_user_that_is_not_known_is_given_nothing() -> None:
    assert found("RUN mkdir /data && chown app /data", Unknown(("who knows",))) == []


def test_working_directory() -> None:
    for text, expected in (("WORKDIR /a\nWORKDIR b/../c", "/a/c"), ("WORKDIR a", None), ("ARG A\nWORKDIR /$A", None)):
        assert working_directory(*built(f"FROM alpine:3.20\n{text}\n")) == expected

"""What the Compose specification says of a container, wherever one is declared: its shape, and the types in it."""

from __future__ import annotations

import re
from dataclasses import replace

from policykit.parse.compose.shapes import Shape, choice, keyed, listed, of, record

NAME = r"^[a-zA-Z0-9._-]+$"
ANY_NAME = r".+"

TEXT = of("string")
NUMBER = of("string", "number")
INTEGER = of("string", "integer")
FLAG = of("string", "boolean")
TEXTS = listed(TEXT)
TEXT_SET = listed(TEXT, is_set=True)
TEXT_OR_SET = TEXT | TEXT_SET
TABLE = keyed(ANY_NAME, of("string", "number", "boolean", "null")) | TEXT_SET
DRIVER_OPTIONS = keyed(ANY_NAME, of("string", "number"), is_open=True)
COMMAND = of("null", "string") | TEXTS
EXTRA_HOSTS = keyed(ANY_NAME, TEXT | TEXTS) | TEXT_SET
MOUNTED_FILES = listed(TEXT | record(source=TEXT, target=TEXT, uid=TEXT, gid=TEXT, mode=NUMBER))
ULIMITS = keyed(r"^[a-z]+$", INTEGER | record(("soft", "hard"), hard=INTEGER, soft=INTEGER), is_open=True)
_ENV_FILE = TEXT | listed(TEXT | record(("path",), extensions=False, path=TEXT, format=TEXT, required=FLAG))


def _bounded(least: int, most: int | None = None) -> Shape:
    return Shape(frozenset(("string", "integer")), least=least, most=most)


_BLKIO_LIMITS = listed(record(extensions=False, path=TEXT, rate=INTEGER))
_BLKIO = record(
    extensions=False,
    device_read_bps=_BLKIO_LIMITS,
    device_read_iops=_BLKIO_LIMITS,
    device_write_bps=_BLKIO_LIMITS,
    device_write_iops=_BLKIO_LIMITS,
    weight=INTEGER,
    weight_device=listed(record(extensions=False, path=TEXT, weight=INTEGER)),
)
_VOLUME_MOUNT = record(
    ("type",),
    type=choice("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
    source=TEXT,
    target=TEXT,
    read_only=FLAG,
    consistency=TEXT,
    bind=record(
        propagation=TEXT,
        create_host_path=FLAG,
        recursive=choice("enabled", "disabled", "writable", "readonly"),
        selinux=choice("z", "Z"),
    ),
    volume=record(labels=TABLE, nocopy=FLAG, subpath=TEXT),
    tmpfs=record(size=_bounded(0), mode=NUMBER),
    image=record(subpath=TEXT),
)
_NETWORK_ATTACHMENT = record(
    aliases=TEXT_SET,
    interface_name=TEXT,
    ipv4_address=TEXT,
    ipv6_address=TEXT,
    link_local_ips=TEXT_SET,
    mac_address=TEXT,
    driver_opts=DRIVER_OPTIONS,
    priority=of("number"),
    gw_priority=of("number"),
    use_service_name_alias=FLAG,
)
DEVICE_REQUEST = record(capabilities=TEXT_SET, count=INTEGER, device_ids=TEXT_SET, driver=TEXT, options=TABLE)
_GPUS = choice("all") | listed(replace(DEVICE_REQUEST, is_open=True))
_MODELS = keyed(NAME, of("null") | record(endpoint_var=TEXT, model_var=TEXT), is_open=True) | TEXT_SET

#: What describes a container, wherever one is declared: services, jobs, hooks before the start.
CONTAINER = record(
    annotations=TABLE,
    blkio_config=_BLKIO,
    cap_add=TEXT_SET,
    cap_drop=TEXT_SET,
    cgroup=choice("host", "private"),
    cgroup_parent=TEXT,
    command=COMMAND,
    configs=MOUNTED_FILES,
    cpu_count=_bounded(0),
    cpu_percent=_bounded(0, 100),
    cpu_shares=NUMBER,
    cpu_quota=NUMBER,
    cpu_period=NUMBER,
    cpu_rt_period=NUMBER,
    cpu_rt_runtime=NUMBER,
    cpus=NUMBER,
    cpuset=TEXT,
    credential_spec=record(config=TEXT, file=TEXT, registry=TEXT),
    device_cgroup_rules=TEXT_SET,
    devices=listed(TEXT | record(("source",), source=TEXT, target=TEXT, permissions=TEXT)),
    dns=TEXT_OR_SET,
    dns_opt=TEXT_SET,
    dns_search=TEXT_OR_SET,
    domainname=TEXT,
    entrypoint=COMMAND,
    env_file=_ENV_FILE,
    label_file=TEXT | TEXTS,
    environment=TABLE,
    extra_hosts=EXTRA_HOSTS,
    gpus=_GPUS,
    group_add=listed(of("string", "number"), is_set=True),
    hostname=TEXT,
    image=TEXT,
    init=FLAG,
    ipc=TEXT,
    isolation=TEXT,
    labels=TABLE,
    logging=record(driver=TEXT, options=keyed(ANY_NAME, of("string", "number", "null"), is_open=True)),
    mac_address=TEXT,
    mem_limit=NUMBER,
    mem_reservation=INTEGER,
    mem_swappiness=INTEGER,
    memswap_limit=NUMBER,
    models=_MODELS,
    network_mode=TEXT,
    networks=keyed(NAME, of("null") | _NETWORK_ATTACHMENT) | TEXT_SET,
    oom_kill_disable=FLAG,
    oom_score_adj=_bounded(-1000, 1000),
    pid=of("string", "null"),
    pids_limit=NUMBER,
    platform=TEXT,
    privileged=FLAG,
    pull_policy=Shape(
        frozenset(("string",)),
        pattern=re.compile(
            r"^(always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+)$"
        ),
    ),
    pull_refresh_after=TEXT,
    read_only=FLAG,
    runtime=TEXT,
    secrets=MOUNTED_FILES,
    security_opt=TEXT_SET,
    shm_size=NUMBER,
    stop_grace_period=TEXT,
    stop_signal=TEXT,
    storage_opt=Shape(fields={}, is_open=True),
    sysctls=TABLE,
    tmpfs=TEXT_OR_SET,
    ulimits=ULIMITS,
    umask=Shape(frozenset(("string", "integer", "null")), least=0, most=2**32 - 1),
    use_api_socket=of("boolean"),
    user=TEXT,
    userns_mode=TEXT,
    uts=TEXT,
    volumes=listed(TEXT | _VOLUME_MOUNT, is_set=True),
    volumes_from=TEXT_SET,
    working_dir=TEXT,
)

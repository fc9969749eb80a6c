"""The Compose specification as shapes: which attributes there are, and what may stand in each.

https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json, in a form that is read in a
microsecond and blames a line. Two schemas differ only where the text says so; the tests hold them against each other.
"""

from __future__ import annotations

import re
from dataclasses import replace

from policykit.parse.compose.shapes import Shape, choice, keyed, listed, of, record

_NAME = r"^[a-zA-Z0-9._-]+$"
_ANY_NAME = r".+"

_TEXT = of("string")
_NUMBER = of("string", "number")
_INTEGER = of("string", "integer")
_FLAG = of("string", "boolean")
_TEXTS = listed(_TEXT)
_TEXT_SET = listed(_TEXT, is_set=True)
_TEXT_OR_SET = _TEXT | _TEXT_SET
_TABLE = keyed(_ANY_NAME, of("string", "number", "boolean", "null")) | _TEXT_SET
_DRIVER_OPTIONS = keyed(_ANY_NAME, of("string", "number"), is_open=True)
_COMMAND = of("null", "string") | _TEXTS
_EXTRA_HOSTS = keyed(_ANY_NAME, _TEXT | _TEXTS) | _TEXT_SET
_MOUNTED_FILES = listed(_TEXT | record(source=_TEXT, target=_TEXT, uid=_TEXT, gid=_TEXT, mode=_NUMBER))
_ULIMITS = keyed(r"^[a-z]+$", _INTEGER | record(("soft", "hard"), hard=_INTEGER, soft=_INTEGER), is_open=True)
_ENV_FILE = _TEXT | listed(_TEXT | record(("path",), extensions=False, path=_TEXT, format=_TEXT, required=_FLAG))


def _bounded(least: int, most: int | None = None) -> Shape:
    return Shape(frozenset(("string", "integer")), least=least, most=most)


_BLKIO_LIMITS = listed(record(extensions=False, path=_TEXT, rate=_INTEGER))
_BLKIO = record(
    extensions=False,
    device_read_bps=_BLKIO_LIMITS,
    device_read_iops=_BLKIO_LIMITS,
    device_write_bps=_BLKIO_LIMITS,
    device_write_iops=_BLKIO_LIMITS,
    weight=_INTEGER,
    weight_device=listed(record(extensions=False, path=_TEXT, weight=_INTEGER)),
)
_VOLUME_MOUNT = record(
    ("type",),
    type=choice("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
    source=_TEXT,
    target=_TEXT,
    read_only=_FLAG,
    consistency=_TEXT,
    bind=record(
        propagation=_TEXT,
        create_host_path=_FLAG,
        recursive=choice("enabled", "disabled", "writable", "readonly"),
        selinux=choice("z", "Z"),
    ),
    volume=record(labels=_TABLE, nocopy=_FLAG, subpath=_TEXT),
    tmpfs=record(size=_bounded(0), mode=_NUMBER),
    image=record(subpath=_TEXT),
)
_NETWORK_ATTACHMENT = record(
    aliases=_TEXT_SET,
    interface_name=_TEXT,
    ipv4_address=_TEXT,
    ipv6_address=_TEXT,
    link_local_ips=_TEXT_SET,
    mac_address=_TEXT,
    driver_opts=_DRIVER_OPTIONS,
    priority=of("number"),
    gw_priority=of("number"),
    use_service_name_alias=_FLAG,
)
_DEVICE_REQUEST = record(capabilities=_TEXT_SET, count=_INTEGER, device_ids=_TEXT_SET, driver=_TEXT, options=_TABLE)
_GPUS = choice("all") | listed(replace(_DEVICE_REQUEST, is_open=True))
_MODELS = keyed(_NAME, of("null") | record(endpoint_var=_TEXT, model_var=_TEXT), is_open=True) | _TEXT_SET

#: What describes a container, wherever one is declared: services, jobs, hooks before the start.
_CONTAINER = record(
    annotations=_TABLE,
    blkio_config=_BLKIO,
    cap_add=_TEXT_SET,
    cap_drop=_TEXT_SET,
    cgroup=choice("host", "private"),
    cgroup_parent=_TEXT,
    command=_COMMAND,
    configs=_MOUNTED_FILES,
    cpu_count=_bounded(0),
    cpu_percent=_bounded(0, 100),
    cpu_shares=_NUMBER,
    cpu_quota=_NUMBER,
    cpu_period=_NUMBER,
    cpu_rt_period=_NUMBER,
    cpu_rt_runtime=_NUMBER,
    cpus=_NUMBER,
    cpuset=_TEXT,
    credential_spec=record(config=_TEXT, file=_TEXT, registry=_TEXT),
    device_cgroup_rules=_TEXT_SET,
    devices=listed(_TEXT | record(("source",), source=_TEXT, target=_TEXT, permissions=_TEXT)),
    dns=_TEXT_OR_SET,
    dns_opt=_TEXT_SET,
    dns_search=_TEXT_OR_SET,
    domainname=_TEXT,
    entrypoint=_COMMAND,
    env_file=_ENV_FILE,
    label_file=_TEXT | _TEXTS,
    environment=_TABLE,
    extra_hosts=_EXTRA_HOSTS,
    gpus=_GPUS,
    group_add=listed(of("string", "number"), is_set=True),
    hostname=_TEXT,
    image=_TEXT,
    init=_FLAG,
    ipc=_TEXT,
    isolation=_TEXT,
    labels=_TABLE,
    logging=record(driver=_TEXT, options=keyed(_ANY_NAME, of("string", "number", "null"), is_open=True)),
    mac_address=_TEXT,
    mem_limit=_NUMBER,
    mem_reservation=_INTEGER,
    mem_swappiness=_INTEGER,
    memswap_limit=_NUMBER,
    models=_MODELS,
    network_mode=_TEXT,
    networks=keyed(_NAME, of("null") | _NETWORK_ATTACHMENT) | _TEXT_SET,
    oom_kill_disable=_FLAG,
    oom_score_adj=_bounded(-1000, 1000),
    pid=of("string", "null"),
    pids_limit=_NUMBER,
    platform=_TEXT,
    privileged=_FLAG,
    pull_policy=Shape(
        frozenset(("string",)),
        pattern=re.compile(
            r"^(always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+)$"
        ),
    ),
    pull_refresh_after=_TEXT,
    read_only=_FLAG,
    runtime=_TEXT,
    secrets=_MOUNTED_FILES,
    security_opt=_TEXT_SET,
    shm_size=_NUMBER,
    stop_grace_period=_TEXT,
    stop_signal=_TEXT,
    storage_opt=Shape(fields={}, is_open=True),
    sysctls=_TABLE,
    tmpfs=_TEXT_OR_SET,
    ulimits=_ULIMITS,
    umask=Shape(frozenset(("string", "integer", "null")), least=0, most=2**32 - 1),
    use_api_socket=of("boolean"),
    user=_TEXT,
    userns_mode=_TEXT,
    uts=_TEXT,
    volumes=listed(_TEXT | _VOLUME_MOUNT, is_set=True),
    volumes_from=_TEXT_SET,
    working_dir=_TEXT,
)
_BUILD = record(
    context=_TEXT,
    dockerfile=_TEXT,
    dockerfile_inline=_TEXT,
    entitlements=_TEXTS,
    args=_TABLE,
    ssh=_TABLE,
    labels=_TABLE,
    cache_from=_TEXTS,
    cache_to=_TEXTS,
    no_cache=_FLAG,
    no_cache_filter=_TEXT_OR_SET,
    additional_contexts=_TABLE,
    network=_TEXT,
    provenance=_FLAG,
    sbom=_FLAG,
    pull=_FLAG,
    target=_TEXT,
    shm_size=_INTEGER,
    extra_hosts=_EXTRA_HOSTS,
    isolation=_TEXT,
    privileged=_FLAG,
    secrets=_MOUNTED_FILES,
    tags=_TEXTS,
    ulimits=_ULIMITS,
    platforms=_TEXTS,
)
_DEPENDENCY = record(
    ("condition",),
    restart=_FLAG,
    required=of("boolean"),
    condition=choice("service_started", "service_healthy", "service_completed_successfully"),
)
_PORT = record(
    name=_TEXT,
    mode=_TEXT,
    host_ip=_TEXT,
    target=_INTEGER,
    published=_INTEGER,
    protocol=_TEXT,
    app_protocol=_TEXT,
)
#: What services and jobs share besides their container.
_WORKLOAD = _CONTAINER.with_fields(
    build=_TEXT | _BUILD,
    depends_on=keyed(_NAME, _DEPENDENCY) | _TEXT_SET,
    healthcheck=record(
        disable=_FLAG,
        interval=_TEXT,
        retries=_NUMBER,
        test=_TEXT | _TEXTS,
        timeout=_TEXT,
        start_period=_TEXT,
        start_interval=_TEXT,
    ),
    ports=listed(of("string", "number") | _PORT, is_set=True),
    expose=listed(of("string", "number"), is_set=True),
    stdin_open=_FLAG,
    tty=_FLAG,
    profiles=_TEXT_SET,
)
_HOOK = record(("command",), command=_COMMAND, user=_TEXT, privileged=_FLAG, working_dir=_TEXT, environment=_TABLE)
_UPDATE = record(
    parallelism=_INTEGER,
    delay=_TEXT,
    failure_action=_TEXT,
    monitor=_TEXT,
    max_failure_ratio=_NUMBER,
    order=choice("start-first", "stop-first"),
)
_DEPLOY = of("null") | record(
    mode=_TEXT,
    endpoint_mode=_TEXT,
    replicas=_INTEGER,
    labels=_TABLE,
    rollback_config=_UPDATE,
    update_config=_UPDATE,
    resources=record(
        limits=record(cpus=_NUMBER, memory=_TEXT, pids=_INTEGER),
        reservations=record(
            cpus=_NUMBER,
            memory=_TEXT,
            generic_resources=listed(record(discrete_resource_spec=record(kind=_TEXT, value=_NUMBER))),
            devices=listed(replace(_DEVICE_REQUEST, required=("capabilities",))),
        ),
    ),
    restart_policy=record(condition=_TEXT, delay=_TEXT, max_attempts=_INTEGER, window=_TEXT),
    placement=record(
        constraints=_TEXTS,
        preferences=listed(record(spread=_TEXT)),
        max_replicas_per_node=_INTEGER,
    ),
)
_DEVELOP = of("null") | record(
    watch=listed(
        record(
            ("path", "action"),
            ignore=_TEXT_OR_SET,
            include=_TEXT_OR_SET,
            path=_TEXT,
            action=choice("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
            target=_TEXT,
            exec=_HOOK,
            initial_sync=of("boolean"),
        )
    )
)
_SCALARS = of("string", "number", "boolean")
_SERVICE = _WORKLOAD.with_fields(
    deploy=_DEPLOY,
    develop=_DEVELOP,
    restart=_TEXT,
    scale=_INTEGER,
    attach=_FLAG,
    container_name=Shape(frozenset(("string",)), pattern=re.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]+")),
    provider=record(("type",), type=_TEXT, options=keyed(_ANY_NAME, _SCALARS | listed(_SCALARS), is_open=True)),
    extends=_TEXT | record(("service",), extensions=False, service=_TEXT, file=_TEXT),
    links=_TEXT_SET,
    external_links=_TEXT_SET,
    pre_start=listed(_CONTAINER.with_fields(per_replica=_FLAG)),
    post_start=listed(_HOOK),
    pre_stop=listed(_HOOK),
)
_SCHEDULE = record(
    ("cron",),
    cron=_TEXT,
    timezone=_TEXT,
    concurrency=choice("forbid", "queue"),
    missed_fires=choice("one", "skip"),
)
_TRIGGERS = Shape(
    fields={"manual": _FLAG, "schedule": listed(_TEXT | _SCHEDULE)},
    one_of=("manual", "schedule"),
    has_extensions=True,
)
_JOB = Shape(
    fields={**(_WORKLOAD.fields or {}), "triggers": _TRIGGERS},
    required=("triggers",),
    has_extensions=True,
)
_EXTERNAL = _FLAG | record(name=_TEXT)
_LOOSE_EXTERNAL = _FLAG | Shape(fields={"name": _TEXT}, is_open=True)
_NETWORK = of("null") | record(
    name=_TEXT,
    driver=_TEXT,
    driver_opts=_DRIVER_OPTIONS,
    ipam=record(
        driver=_TEXT,
        config=listed(
            record(subnet=_TEXT, ip_range=_TEXT, gateway=_TEXT, aux_addresses=keyed(_ANY_NAME, _TEXT)),
        ),
        options=keyed(_ANY_NAME, _TEXT),
    ),
    external=_EXTERNAL,
    internal=_FLAG,
    enable_ipv4=_FLAG,
    enable_ipv6=_FLAG,
    attachable=_FLAG,
    labels=_TABLE,
)
_VOLUME = of("null") | record(name=_TEXT, driver=_TEXT, driver_opts=_DRIVER_OPTIONS, external=_EXTERNAL, labels=_TABLE)
_SECRET = record(
    name=_TEXT,
    environment=_TEXT,
    file=_TEXT,
    external=_LOOSE_EXTERNAL,
    labels=_TABLE,
    driver=_TEXT,
    driver_opts=_DRIVER_OPTIONS,
    template_driver=_TEXT,
)
_CONFIG = record(
    name=_TEXT,
    content=_TEXT,
    environment=_TEXT,
    file=_TEXT,
    external=_LOOSE_EXTERNAL,
    labels=_TABLE,
    template_driver=_TEXT,
)
_MODEL = record(("model",), name=_TEXT, model=_TEXT, context_size=of("integer"), runtime_flags=_TEXTS)
_INCLUDE = _TEXT | record(extensions=False, path=_TEXT_OR_SET, env_file=_TEXT_OR_SET, project_directory=_TEXT)

PROJECT = record(
    version=_TEXT,
    name=_TEXT,
    include=listed(_INCLUDE),
    services=keyed(_NAME, _SERVICE),
    models=keyed(_NAME, _MODEL),
    networks=keyed(_NAME, _NETWORK),
    volumes=keyed(_NAME, _VOLUME),
    secrets=keyed(_NAME, _SECRET),
    configs=keyed(_NAME, _CONFIG),
    jobs=keyed(_NAME, _JOB),
)

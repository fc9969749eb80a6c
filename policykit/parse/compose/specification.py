"""The Compose specification as shapes: which attributes there are, and what may stand in each.

https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json, in a form that is read in a
microsecond and blames a line. Two schemas differ only where the text says so; the tests hold them against each other.
"""

from __future__ import annotations

import re
from dataclasses import replace

from policykit.parse.compose.container_shape import (
    ANY_NAME,
    COMMAND,
    CONTAINER,
    DEVICE_REQUEST,
    DRIVER_OPTIONS,
    EXTRA_HOSTS,
    FLAG,
    INTEGER,
    MOUNTED_FILES,
    NAME,
    NUMBER,
    TABLE,
    TEXT,
    TEXT_OR_SET,
    TEXT_SET,
    TEXTS,
    ULIMITS,
)
from policykit.parse.compose.shapes import Shape, choice, keyed, listed, of, record

_BUILD = record(
    context=TEXT,
    dockerfile=TEXT,
    dockerfile_inline=TEXT,
    entitlements=TEXTS,
    args=TABLE,
    ssh=TABLE,
    labels=TABLE,
    cache_from=TEXTS,
    cache_to=TEXTS,
    no_cache=FLAG,
    no_cache_filter=TEXT_OR_SET,
    additional_contexts=TABLE,
    network=TEXT,
    provenance=FLAG,
    sbom=FLAG,
    pull=FLAG,
    target=TEXT,
    shm_size=INTEGER,
    extra_hosts=EXTRA_HOSTS,
    isolation=TEXT,
    privileged=FLAG,
    secrets=MOUNTED_FILES,
    tags=TEXTS,
    ulimits=ULIMITS,
    platforms=TEXTS,
)
_DEPENDENCY = record(
    ("condition",),
    restart=FLAG,
    required=of("boolean"),
    condition=choice("service_started", "service_healthy", "service_completed_successfully"),
)
_PORT = record(
    name=TEXT,
    mode=TEXT,
    host_ip=TEXT,
    target=INTEGER,
    published=INTEGER,
    protocol=TEXT,
    app_protocol=TEXT,
)
#: What services and jobs share besides their container.
_WORKLOAD = CONTAINER.with_fields(
    build=TEXT | _BUILD,
    depends_on=keyed(NAME, _DEPENDENCY) | TEXT_SET,
    healthcheck=record(
        disable=FLAG,
        interval=TEXT,
        retries=NUMBER,
        test=TEXT | TEXTS,
        timeout=TEXT,
        start_period=TEXT,
        start_interval=TEXT,
    ),
    ports=listed(of("string", "number") | _PORT, is_set=True),
    expose=listed(of("string", "number"), is_set=True),
    stdin_open=FLAG,
    tty=FLAG,
    profiles=TEXT_SET,
)
_HOOK = record(("command",), command=COMMAND, user=TEXT, privileged=FLAG, working_dir=TEXT, environment=TABLE)
_UPDATE = record(
    parallelism=INTEGER,
    delay=TEXT,
    failure_action=TEXT,
    monitor=TEXT,
    max_failure_ratio=NUMBER,
    order=choice("start-first", "stop-first"),
)
_DEPLOY = of("null") | record(
    mode=TEXT,
    endpoint_mode=TEXT,
    replicas=INTEGER,
    labels=TABLE,
    rollback_config=_UPDATE,
    update_config=_UPDATE,
    resources=record(
        limits=record(cpus=NUMBER, memory=TEXT, pids=INTEGER),
        reservations=record(
            cpus=NUMBER,
            memory=TEXT,
            generic_resources=listed(record(discrete_resource_spec=record(kind=TEXT, value=NUMBER))),
            devices=listed(replace(DEVICE_REQUEST, required=("capabilities",))),
        ),
    ),
    restart_policy=record(condition=TEXT, delay=TEXT, max_attempts=INTEGER, window=TEXT),
    placement=record(
        constraints=TEXTS,
        preferences=listed(record(spread=TEXT)),
        max_replicas_per_node=INTEGER,
    ),
)
_DEVELOP = of("null") | record(
    watch=listed(
        record(
            ("path", "action"),
            ignore=TEXT_OR_SET,
            include=TEXT_OR_SET,
            path=TEXT,
            action=choice("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
            target=TEXT,
            exec=_HOOK,
            initial_sync=of("boolean"),
        )
    )
)
_EXTENDS = TEXT | record(("service",), extensions=False, service=TEXT, file=TEXT)
_SCALARS = of("string", "number", "boolean")
_SERVICE = _WORKLOAD.with_fields(
    deploy=_DEPLOY,
    develop=_DEVELOP,
    restart=TEXT,
    scale=INTEGER,
    attach=FLAG,
    container_name=Shape(frozenset(("string",)), pattern=re.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]+")),
    provider=record(("type",), type=TEXT, options=keyed(ANY_NAME, _SCALARS | listed(_SCALARS), is_open=True)),
    extends=_EXTENDS,
    links=TEXT_SET,
    external_links=TEXT_SET,
    pre_start=listed(CONTAINER.with_fields(per_replica=FLAG)),
    post_start=listed(_HOOK),
    pre_stop=listed(_HOOK),
)
_SCHEDULE = record(
    ("cron",),
    cron=TEXT,
    timezone=TEXT,
    concurrency=choice("forbid", "queue"),
    missed_fires=choice("one", "skip"),
)
_TRIGGERS = Shape(
    fields={"manual": FLAG, "schedule": listed(TEXT | _SCHEDULE)},
    one_of=("manual", "schedule"),
    has_extensions=True,
)
_JOB = Shape(
    fields={**(_WORKLOAD.fields or {}), "extends": _EXTENDS, "triggers": _TRIGGERS},
    required=("triggers",),
    has_extensions=True,
)
_EXTERNAL = FLAG | record(name=TEXT)
_LOOSE_EXTERNAL = FLAG | Shape(fields={"name": TEXT}, is_open=True)
_NETWORK = of("null") | record(
    name=TEXT,
    driver=TEXT,
    driver_opts=DRIVER_OPTIONS,
    ipam=record(
        driver=TEXT,
        config=listed(
            record(subnet=TEXT, ip_range=TEXT, gateway=TEXT, aux_addresses=keyed(ANY_NAME, TEXT)),
        ),
        options=keyed(ANY_NAME, TEXT),
    ),
    external=_EXTERNAL,
    internal=FLAG,
    enable_ipv4=FLAG,
    enable_ipv6=FLAG,
    attachable=FLAG,
    labels=TABLE,
)
_VOLUME = of("null") | record(name=TEXT, driver=TEXT, driver_opts=DRIVER_OPTIONS, external=_EXTERNAL, labels=TABLE)
_SECRET = record(
    name=TEXT,
    environment=TEXT,
    file=TEXT,
    external=_LOOSE_EXTERNAL,
    labels=TABLE,
    driver=TEXT,
    driver_opts=DRIVER_OPTIONS,
    template_driver=TEXT,
)
_CONFIG = record(
    name=TEXT,
    content=TEXT,
    environment=TEXT,
    file=TEXT,
    external=_LOOSE_EXTERNAL,
    labels=TABLE,
    template_driver=TEXT,
)
_MODEL = record(("model",), name=TEXT, model=TEXT, context_size=of("integer"), runtime_flags=TEXTS)
_INCLUDE = TEXT | record(extensions=False, path=TEXT_OR_SET, env_file=TEXT_OR_SET, project_directory=TEXT)

PROJECT = record(
    version=TEXT,
    name=TEXT,
    include=listed(_INCLUDE),
    services=keyed(NAME, _SERVICE),
    models=keyed(NAME, _MODEL),
    networks=keyed(NAME, _NETWORK),
    volumes=keyed(NAME, _VOLUME),
    secrets=keyed(NAME, _SECRET),
    configs=keyed(NAME, _CONFIG),
    jobs=keyed(NAME, _JOB),
)

"""Command lines to calls. Exit codes: 0 done, 2 usage or configuration is wrong, 4 our fault."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from policykit.errors import UsageError
from policykit_webhook import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from policykit_webhook.decision import Policies

LOADER = "policykit_webhook.policies:load"


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Runs a command; its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.command
    try:
        command(options)
    except UsageError as error:
        sys.stderr.write(f"policykit-webhook: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"policykit-webhook: {error.strerror or error}: {error.filename or ''}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="policykit-webhook", description="policykit in the cluster.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _serve_parser(commands.add_parser("serve", help="answer the API server's reviews"))
    _manifests_parser(commands.add_parser("manifests", help="write the manifests of an installation"))
    _chart_parser(commands.add_parser("chart", help="write the generated parts of the Helm chart"))
    _certificates_parser(commands.add_parser("certificates", help="look after the certificates in a cluster"))
    return parser


def _serve_parser(parser: argparse.ArgumentParser) -> None:
    _sources(parser)
    add = parser.add_argument
    add("--tls-cert", type=Path, metavar="FILE", help="certificate chain (PEM), read again when it changes")
    add("--tls-key", type=Path, metavar="FILE", help="its key (PEM)")
    add("--self-signed", action="store_true", help="make a certificate for localhost: for a first try")
    add("--tls-min-version", choices=["1.2", "1.3"], default="1.2")
    add("--client-ca", type=Path, metavar="FILE", help="demand a client certificate of these authorities (PEM)")
    add("--client-name", action="append", default=[], metavar="CN", help="and one of these names (repeatable)")
    add("--listen", default="127.0.0.1:8443", metavar="HOST:PORT", help="for reviews (default %(default)s)")
    add("--probes", default="127.0.0.1:8081", metavar="HOST:PORT", help="for health and metrics (default %(default)s)")
    add("--workers", type=_count, default=0, metavar="N", help="processes (default: one for each processor)")
    watching = "keep in memory what else is in a namespace, for policies that look beyond one object"
    add("--watch-cluster", action=argparse.BooleanOptionalAction, default=False, help=watching)
    add("--poll", type=float, default=10.0, metavar="SECONDS", help="look for changed files (default %(default)s)")
    add(
        "--drain",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="go on answering after SIGTERM (default %(default)s)",
    )
    add("--log-level", choices=["debug", "info", "warning", "error"], default="info")
    parser.set_defaults(command=_serve)


def _sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="policykit.yaml")
    parser.add_argument(
        "--policies",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="policies beside the built-in ones (repeatable)",
    )


def _serve(options: argparse.Namespace) -> None:
    from policykit_webhook import bundle, serving, tls, worker

    files, remove = _files(options)
    try:
        plan = serving.Plan(
            options=worker.Options(
                sources=bundle.Sources(options.config, tuple(options.policies)),
                files=tls.Files(*files, options.client_ca, tuple(options.client_name), options.tls_min_version),
                loader=LOADER,
                drain=worker.Drain(delay=options.drain),
                poll=options.poll,
            ),
            address=_address(options.listen),
            probes=_address(options.probes),
            workers=options.workers,
            log_level=options.log_level,
            watch_cluster=options.watch_cluster,
        )
        serving.run(plan)
    finally:
        remove()


def _files(options: argparse.Namespace) -> tuple[tuple[Path, Path], Callable[[], None]]:
    """Certificate and key, and how to remove them where they were made for this run."""
    if options.self_signed == bool(options.tls_cert or options.tls_key):
        raise UsageError("give --tls-cert and --tls-key, or --self-signed")
    if options.self_signed:
        return _self_signed()
    if not (options.tls_cert and options.tls_key):
        raise UsageError("--tls-cert and --tls-key go together")
    return (options.tls_cert, options.tls_key), lambda: None


def _self_signed() -> tuple[tuple[Path, Path], Callable[[], None]]:
    import tempfile
    from datetime import UTC, datetime

    from policykit_webhook import authority

    now = datetime.now(UTC)
    issuer = authority.authority(now)
    leaf = authority.leaf(issuer, ["localhost", "127.0.0.1", "::1"], now)
    directory = tempfile.TemporaryDirectory(prefix="policykit-self-signed-")
    paths = [Path(directory.name, name) for name in ("ca.crt", "tls.crt", "tls.key")]
    for path, content in zip(paths, (issuer.certificate, leaf.certificate, leaf.key), strict=True):
        path.touch(mode=0o600)
        path.write_bytes(content)
    sys.stderr.write(f"policykit-webhook: self-signed; the authority is in {paths[0]}\n")
    return (paths[1], paths[2]), directory.cleanup


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"`{text}` is not HOST:PORT")
    return host.strip("[]"), int(port)


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("not a number of processes")
    return number


def _manifests_parser(parser: argparse.ArgumentParser) -> None:
    from policykit_webhook.install.choices import CERTIFICATES_BY, Choices

    _sources(parser)
    default, add = Choices(), parser.add_argument
    add("--namespace", default=default.namespace)
    add("--image", default=default.image)
    add("--replicas", type=_count, default=default.replicas)
    add("--certificates", choices=CERTIFICATES_BY, default=default.certificates, help="who makes them (%(default)s)")
    add("--tls-secret", default=default.secret, metavar="NAME", help="the Secret they are in (%(default)s)")
    add("--ca-bundle", type=Path, metavar="FILE", help="authorities of provided certificates (PEM)")
    add("--watch-cluster", action=argparse.BooleanOptionalAction, default=True)
    add("--monitoring", action="store_true", help="with ServiceMonitor, PrometheusRule and Grafana dashboard")
    parser.set_defaults(command=_manifests)


def _manifests(options: argparse.Namespace) -> None:
    import base64

    from policykit_webhook.install import render
    from policykit_webhook.install.choices import Choices

    policies = _loaded(options)
    folders = [path for folder in options.policies for path in sorted(folder.rglob("*.yaml"))]
    choices = Choices(
        namespace=options.namespace,
        image=options.image,
        replicas=options.replicas,
        certificates=options.certificates,
        secret=options.tls_secret,
        ca_bundle=base64.b64encode(options.ca_bundle.read_bytes()).decode("ascii") if options.ca_bundle else "",
        watch=options.watch_cluster,
        watch_argument="--watch-cluster" if options.watch_cluster else "--no-watch-cluster",
        config=options.config.read_text(encoding="utf-8") if options.config else "{}\n",
        policies={path.name: path.read_text(encoding="utf-8") for path in folders},
    )
    sys.stdout.write(render.as_yaml(render.manifests(policies, choices, monitored=options.monitoring)))


def _loaded(options: argparse.Namespace) -> Policies:
    """The policies that the command line names, as `serve` would load them."""
    import tempfile

    from policykit_webhook import bundle
    from policykit_webhook.policies import load

    with tempfile.TemporaryDirectory(prefix="policykit-bundle-") as directory:
        snapshot = bundle.read(bundle.Sources(options.config, tuple(options.policies)))
        return load(str(snapshot.write(Path(directory))))


def _chart_parser(parser: argparse.ArgumentParser) -> None:
    _sources(parser)
    parser.add_argument("directory", type=Path, help="of the chart")
    parser.set_defaults(command=_chart)


def _chart(options: argparse.Namespace) -> None:
    from policykit_webhook.install import chart

    chart.write(options.directory, _loaded(options))


def _certificates_parser(parser: argparse.ArgumentParser) -> None:
    from policykit_webhook.install.choices import Choices

    default = Choices()
    parser.add_argument("--namespace", default=default.namespace)
    parser.add_argument("--secret", default=default.secret, metavar="NAME")
    parser.add_argument("--probes", default="127.0.0.1:8082", metavar="HOST:PORT")
    parser.add_argument("--poll", type=float, default=10.0, metavar="SECONDS")
    parser.set_defaults(command=_certificates)


def _certificates(options: argparse.Namespace) -> None:
    from policykit_webhook import serving
    from policykit_webhook.certificates import Names
    from policykit_webhook.install.certificate_objects import CONTROLLER
    from policykit_webhook.install.choices import CONFIGURATIONS, NAME
    from policykit_webhook.store import Places

    host = f"{NAME}.{options.namespace}.svc"
    places = Places(options.namespace, options.secret, CONTROLLER, tuple(CONFIGURATIONS.values()))
    serving.run_certificates(places, Names((host, f"{host}.cluster.local")), _address(options.probes), options.poll)

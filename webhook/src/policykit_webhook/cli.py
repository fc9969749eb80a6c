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
    add("--watch-cluster", action="store_true", help="keep namespaces and network policies in memory, for their rules")
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

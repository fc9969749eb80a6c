"""Certificate files to the TLS of a server, exchanged whole while it serves.

A live context is never changed: a pair that does not match would break every later handshake. A new context is built
aside and takes the place of the old one in the callback that every handshake makes.
"""

from __future__ import annotations

import hashlib
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from policykit.errors import Problem, UsageError

#: Forward secrecy and authenticated encryption; TLS 1.3 brings its own.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
Version = Literal["1.2", "1.3"]


@dataclass(frozen=True, slots=True)
class Files:
    """Where certificate and key are; `client_ca` where callers must show a certificate, `client_names` who may call."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    client_names: tuple[str, ...] = ()
    minimum: Version = "1.2"


@dataclass(frozen=True, slots=True)
class Pair:
    """Certificate chain and key as PEM, and the authorities of clients."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None

    @property
    def digest(self) -> str:
        parts = b"\0".join((self.certificate, self.key, self.client_ca or b""))
        return hashlib.sha256(parts).hexdigest()


@dataclass(frozen=True, slots=True)
class Served:
    """A context that is ready to serve, with what it serves: the leaf (DER) and the end of its life (a timestamp)."""

    context: ssl.SSLContext
    leaf: bytes
    until: float
    digest: str


class Certificates:
    """The certificate in service. `context` goes to the listener; `refresh` looks for another one in the files."""

    def __init__(self, files: Files, own_client: bytes = b"") -> None:
        self._files = files
        self._own_client = own_client
        self.served = served(read(files), files, own_client)
        self._tried = self.served.digest
        self.context = _context(files)
        _load(self.context, read(files), own_client)
        self.context.sni_callback = self._swap

    def refresh(self) -> bool:
        """Takes a changed pair into service; whether there was one.

        Raises UsageError and keeps the old one where it is bad.
        """
        pair = read(self._files)
        if pair.digest in (self._tried, self.served.digest):
            return False
        self._tried = pair.digest
        self.served = served(pair, self._files, self._own_client)
        return True

    def _swap(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self.served.context


def read(files: Files) -> Pair:
    """The files' bytes. Raises UsageError."""
    problems = []
    contents: list[bytes | None] = []
    for path in (files.certificate, files.key, files.client_ca):
        try:
            contents.append(path.read_bytes() if path is not None else None)
        except OSError as error:
            problems.append(Problem(f"cannot be read: {error.strerror}", str(path)))
    if problems:
        raise UsageError(*problems)
    certificate, key, client_ca = contents
    return Pair(certificate or b"", key or b"", client_ca)


def served(pair: Pair, files: Files, own_client: bytes = b"") -> Served:
    """A context for a pair. Raises UsageError where certificate and key are broken or do not belong together."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    context = _context(files)
    try:
        leaf = x509.load_pem_x509_certificate(pair.certificate)
        _load(context, pair, own_client)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        hint = "the pair may be half written; the one in service stays"
        raise UsageError(
            Problem(f"certificate and key cannot be used: {reason}", str(files.certificate), hint)
        ) from None
    return Served(context, leaf.public_bytes(Encoding.DER), leaf.not_valid_after_utc.timestamp(), pair.digest)


def client_name(certificate: object) -> str:
    """The common name in a peer's certificate, as `ssl` gives it; empty where there is none."""
    if isinstance(certificate, dict):
        for attributes in certificate.get("subject", ()):
            for name, value in attributes:
                if name == "commonName":
                    return str(value)
    return ""


def _context(files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if files.minimum == "1.3" else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0  # the API server's client does not resume
    if files.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _load(context: ssl.SSLContext, pair: Pair, own_client: bytes) -> None:
    """`ssl` reads keys from files only: they live as long as the call, in a directory that nobody else may read."""
    with tempfile.TemporaryDirectory(prefix="policykit-tls-") as directory:
        paths = Path(directory, "tls.crt"), Path(directory, "tls.key")
        for path, content in zip(paths, (pair.certificate, pair.key), strict=True):
            path.touch(mode=0o600)
            path.write_bytes(content)
        context.load_cert_chain(*paths)
    if pair.client_ca is not None:
        context.load_verify_locations(cadata=(pair.client_ca + b"\n" + own_client).decode("ascii"))

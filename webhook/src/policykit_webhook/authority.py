"""Names to certificates: an authority of our own, and leaves signed by it. ECDSA P-256 throughout.

Lives and renewal: a leaf 90 days, an authority one year, both renewed at two thirds. Values in, values out; who stores
them is `certificates.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAF_DAYS = 90
AUTHORITY_DAYS = 365
#: Clocks differ.
_BACKDATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes

    @property
    def x509(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate)


def authority(now: datetime, days: float = AUTHORITY_DAYS) -> Credential:
    """A new authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"policykit-webhook authority {now:%Y%m%d%H%M%S}")
    builder = _builder(name, name, key, now, timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    return _signed(builder, key, key)


def leaf(issuer: Credential, names: Sequence[str], now: datetime, days: float = LEAF_DAYS) -> Credential:
    """A server certificate for DNS names and IP addresses, signed by `issuer`."""
    return _leaf(issuer, names, now, (days, ExtendedKeyUsageOID.SERVER_AUTH))


def client(issuer: Credential, name: str, now: datetime, days: float = LEAF_DAYS) -> Credential:
    """A client certificate, signed by `issuer`."""
    return _leaf(issuer, [name], now, (days, ExtendedKeyUsageOID.CLIENT_AUTH))


def due(certificate: bytes, now: datetime) -> bool:
    """Whether two thirds of a certificate's life are over."""
    cert = x509.load_pem_x509_certificate(certificate)
    life = cert.not_valid_after_utc - cert.not_valid_before_utc
    return now >= cert.not_valid_before_utc + life * 2 / 3


def signed_by(certificate: bytes, issuer: bytes) -> bool:
    """Whether `issuer` signed `certificate`."""
    try:
        x509.load_pem_x509_certificate(certificate).verify_directly_issued_by(x509.load_pem_x509_certificate(issuer))
    except Exception:  # cryptography raises one type per way to be wrong
        return False
    return True


def names_of(certificate: bytes) -> frozenset[str]:
    """The DNS names and IP addresses that a certificate is for."""
    cert = x509.load_pem_x509_certificate(certificate)
    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    addresses = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return frozenset(names.get_values_for_type(x509.DNSName)) | frozenset(addresses)


def _leaf(
    issuer: Credential, names: Sequence[str], now: datetime, life: tuple[float, x509.ObjectIdentifier]
) -> Credential:
    days, purpose = life
    key = ec.generate_private_key(ec.SECP256R1())
    signer = load_pem_private_key(issuer.key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    # a common name has room for 64 characters; nobody reads it in a server's certificate
    builder = _builder(_name(names[0][:64]), issuer.x509.subject, key, now, timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return _signed(builder.add_extension(identifier, critical=False), key, signer)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    now = now.astimezone(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - min(_BACKDATE, life / 10))
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> Credential:
    certificate = builder.sign(signer, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Credential(certificate.public_bytes(Encoding.PEM), secret)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )

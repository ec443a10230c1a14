"""A certificate authority and what it signs, for tests of TLS."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates; `file` is its own, in PEM, for whoever trusts it."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder, self._name = folder, _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = (
            _unsigned(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def trusted(self) -> ssl.SSLContext:
        """What a client needs that trusts it and nobody else."""
        return ssl.create_default_context(cafile=self.file)

    def mosquitto(self, host: str = "127.0.0.1") -> str:
        """The lines of a mosquitto's listener that shows a certificate of this host."""
        certificate, key = self.issue(host)
        return f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}"

    def issue(self, host: str) -> tuple[Path, Path]:
        """A certificate of this host and its key, as files in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        certificate = (
            _unsigned(_named(host), self._name, key.public_key())
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        files = self._folder / f"{host}.crt", self._folder / f"{host}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now, hour = datetime.datetime.now(datetime.UTC), datetime.timedelta(hours=1)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key).serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - hour).not_valid_after(now + hour)

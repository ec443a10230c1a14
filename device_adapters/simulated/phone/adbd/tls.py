"""TLS 1.3 as adbd serves it: it asks for the computer's certificate and looks only at its key."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

from device_adapters.simulated.phone.adbd.link import PlainLink
from device_adapters.simulated.phone.adbd.wire import ProtocolError

PIECE = 64 * 1024

Accepts = Callable[[int, int], bool]
"""Whether the RSA key with this modulus and exponent may come in."""


@dataclass(frozen=True)
class Identity:
    """The phone's own key and the certificate it signed for it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls) -> Self:
        """A fresh one. Elliptic, as an RSA key like adbd's takes long enough to stop the loop."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Adb")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=3650))
            .sign(key, SHA256())
        )
        return cls(key, certificate)


def anybody(_: int, __: int) -> bool:
    """Accept every RSA key: while pairing nobody is known yet."""
    return True


class TlsLink:
    """TLS over a TCP connection, the phone being the server.

    OpenSSL works in memory here and this moves the bytes: Python's own `ssl` can neither take a
    client certificate that no authority signed, nor export keying material.
    """

    def __init__(self, plain: PlainLink, identity: Identity, accepts: Accepts) -> None:
        self._plain = plain
        self._received = bytearray()
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.use_certificate(identity.certificate)
        context.use_privatekey(identity.key)
        demand = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(demand, lambda _, shown, *__: _acceptable(shown, accepts))
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()

    async def handshake(self) -> None:
        """Agree on keys; raises `ProtocolError` where the computer's key is not accepted."""
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                await self._flush()
                await self._fetch()
            except SSL.Error as exc:
                await self._flush()  # the alert that says why
                raise ProtocolError(f"TLS handshake: {exc}") from exc
            else:
                await self._flush()
                return

    def exported(self, label: bytes, size: int) -> bytes:
        """Bytes that only the two ends of this connection know (RFC 5705)."""
        return self._tls.export_keying_material(label, size)

    async def readexactly(self, n: int, /) -> bytes:
        while len(self._received) < n:
            try:
                self._received += self._tls.recv(PIECE)
            except SSL.WantReadError:
                await self._flush()
                await self._fetch()
            except SSL.ZeroReturnError as exc:
                raise asyncio.IncompleteReadError(bytes(self._received), n) from exc
            except SSL.Error as exc:
                raise ProtocolError(f"TLS: {exc}") from exc
        data = bytes(self._received[:n])
        del self._received[:n]
        return data

    async def write(self, data: bytes) -> None:
        try:
            self._tls.sendall(data)
        except SSL.Error as exc:
            raise ConnectionResetError("TLS is over") from exc
        await self._flush()

    def abort(self) -> None:
        self._plain.abort()

    async def _fetch(self) -> None:
        """Hand OpenSSL what came; raises `IncompleteReadError` at the end."""
        data = await self._plain.reader.read(PIECE)
        if not data:
            raise asyncio.IncompleteReadError(b"", None)
        self._tls.bio_write(data)

    async def _flush(self) -> None:
        """Send what OpenSSL wants sent."""
        waiting = bytearray()
        while True:
            try:
                waiting += self._tls.bio_read(PIECE)
            except SSL.WantReadError:
                break
        if waiting:
            await self._plain.write(bytes(waiting))


def _acceptable(shown: crypto.X509, accepts: Accepts) -> bool:
    """Whether the key in a certificate is accepted; who signed it and when says nothing."""
    key = shown.to_cryptography().public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    numbers = key.public_numbers()
    return accepts(numbers.n, numbers.e)

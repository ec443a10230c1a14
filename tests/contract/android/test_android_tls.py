"""Who gets into wireless debugging, asked with a small client that is not Google's.

adb 36 itself fails every fourth time, so that its failure does not prove a refusal.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from device_adapters.adb import keys
from device_adapters.simulated.phone import SimulatedPhone
from device_adapters.simulated.phone.adbd.wire import VERSION, Command, Message, read_message

HELLO = Message(Command.CNXN, VERSION, 4096, b"host::\0")
STLS = Message(Command.STLS, 0x01000000, 0)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@pytest.fixture
async def phone() -> AsyncIterator[SimulatedPhone]:
    async with SimulatedPhone(wireless=True) as running:
        yield running


@pytest.fixture
def own(key: Path) -> rsa.RSAPrivateKey:
    """The hub's own key."""
    keys.load(key)
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def line(key: Path) -> bytes:
    """The hub's key as phones keep it."""
    return Path(f"{key}.pub").read_bytes().split()[0]


def context(folder: Path, key: Key | None) -> ssl.SSLContext:
    """TLS with a certificate that the key signed for itself, long out of date."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if key is not None:
        then = datetime.now(UTC) - timedelta(days=1000)
        name = x509.Name([])
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), 1)
            .not_valid_before(then)
            .not_valid_after(then + timedelta(days=1))
            .sign(key, SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file = folder / "certificate.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
        made.load_cert_chain(file)
    return made


async def asked(
    phone: SimulatedPhone, tls: ssl.SSLContext | None, *, announced: bool = True
) -> bytes:
    """What the phone says to `echo hi` after TLS, or nothing where it drops us first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", phone.tls_port)
    try:
        writer.write(HELLO.pack(checked=True))
        assert (await read_message(reader, checked=True)).command is Command.STLS
        if tls is not None:
            writer.write(STLS.pack(checked=True) * announced)
            await writer.start_tls(tls)
        else:
            writer.write(Message(Command.OPEN, 1, 0, b"shell:echo hi\0").pack(checked=True))
        assert (await read_message(reader, checked=True)).command is Command.CNXN
        writer.write(Message(Command.OPEN, 1, 0, b"shell:echo hi\0").pack(checked=False))
        assert (await read_message(reader, checked=False)).command is Command.OKAY
        return (await read_message(reader, checked=False)).data
    except (asyncio.IncompleteReadError, OSError):  # ssl's errors are OSErrors
        return b""
    finally:
        writer.transport.abort()


async def test_a_known_key_comes_in_whatever_its_certificate_says(
    phone: SimulatedPhone, own: rsa.RSAPrivateKey, key: Path, tmp_path: Path
) -> None:
    phone.keys.known |= {b"junk", b"QUJD", line(key)}
    assert await asked(phone, context(tmp_path, own)) == b"hi\n"


async def test_everybody_else_stays_out(
    phone: SimulatedPhone, own: rsa.RSAPrivateKey, key: Path, tmp_path: Path
) -> None:
    assert await asked(phone, context(tmp_path, own)) == b""
    phone.keys.known.add(line(key))
    for stranger in (
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
    ):
        assert await asked(phone, context(tmp_path, stranger)) == b""
    assert await asked(phone, context(tmp_path, None)) == b""
    assert await asked(phone, None) == b""
    old = context(tmp_path, own)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await asked(phone, old) == b""
    assert await asked(phone, context(tmp_path, own)) == b"hi\n"


async def test_tls_before_it_is_announced_is_refused(
    phone: SimulatedPhone, own: rsa.RSAPrivateKey, key: Path, tmp_path: Path
) -> None:
    phone.keys.known.add(line(key))  # adbd drops this too: it is why adb 36 fails at times
    assert await asked(phone, context(tmp_path, own), announced=False) == b""


@pytest.mark.parametrize(
    "said", [b"", b"\x16\x03\x01\x02\x00" + bytes(600), b"GET / HTTP/1.0\r\n\r\n"]
)
async def test_garbage_disturbs_nobody(
    phone: SimulatedPhone, own: rsa.RSAPrivateKey, key: Path, tmp_path: Path, said: bytes
) -> None:
    offer = await phone.open_pairing()
    for port in (phone.port, phone.tls_port, offer.port):
        for start in (
            b"",
            HELLO.pack(checked=True),
            HELLO.pack(checked=True) + STLS.pack(checked=True),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(start + said)
            writer.write_eof()
            await reader.read()
            writer.close()
            await writer.wait_closed()
    phone.keys.known.add(line(key))
    assert await asked(phone, context(tmp_path, own)) == b"hi\n"
    assert phone.wireless
    assert phone.wireless.pairing
    assert not phone.wireless.pairing.over.is_set()


@pytest.mark.parametrize(
    "said",
    [
        bytes(6),  # no version
        b"\x01\x00\x00\x00\x00\x00",  # empty
        b"\x01\x00\xff\xff\xff\xff",  # 4 GB
        b"\x01\x01\x00\x00\x00\x01x",  # not its turn
        b"\x01\x00\x00\x00\x00\x20" + b"\x02" + bytes(31),  # not a point
        b"\x01\x00\x00\x00\x00\x21" + bytes(33),  # too long for one
    ],
)
async def test_a_broken_pairing_leaves_the_screen_open(
    phone: SimulatedPhone, own: rsa.RSAPrivateKey, tmp_path: Path, said: bytes
) -> None:
    offer = await phone.open_pairing()
    tls = context(tmp_path, own)
    reader, writer = await asyncio.open_connection(offer.host, offer.port, ssl=tls)
    try:
        writer.write(said)
        await reader.readexactly(6 + 32)
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.readexactly(1)
    finally:
        writer.transport.abort()
    assert not phone.keys.known
    assert phone.wireless
    assert phone.wireless.pairing
    assert not phone.wireless.pairing.over.is_set()

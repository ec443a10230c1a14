"""For how long does a certificate hold: another server's, or one that the hub shows?"""

import contextlib
import socket
import ssl
import time

from orchestrator.doctor.checks import Check, good, warning, wrong

SOON = 14
"""Days before its end that a certificate is spoken of."""
_DAY = 86400
_WITHIN = 3.0


def shown_by(name: str, host: str, port: int, trust: ssl.SSLContext) -> Check:
    """The certificate of a server, as a client sees it."""
    at = f"{host}:{port}"
    try:
        with (
            socket.create_connection((host, port), timeout=_WITHIN) as plain,
            trust.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return _lasting(name, f"{at} is trusted", secured.getpeercert())
    except ssl.SSLCertVerificationError as error:
        todo = "renew it, or name a ca_file with whoever signed it"
        return wrong(name, f"{at} is not trusted: {error.verify_message}", todo)
    except OSError as error:
        return wrong(name, f"{at}: {error.strerror or error}", "is it there, with TLS?")


def of_file(name: str, certificate: str, key: str) -> Check:
    """A certificate and its key, as a server would show them."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it is trusted by itself here
    try:
        server.load_cert_chain(certificate, key, password="")
        client.load_verify_locations(certificate)
        return _lasting(name, f"{certificate} holds", _met(client, server))
    except ssl.SSLCertVerificationError as error:
        return wrong(name, f"{certificate}: {error.verify_message}", "renew it")
    except ssl.SSLError:
        said = f"{certificate}, {key}: not a certificate and its key in PEM, without a password"
        return wrong(name, said)
    except OSError as error:
        return wrong(name, f"{certificate}, {key}: {error.strerror}")


def _met(client: ssl.SSLContext, server: ssl.SSLContext) -> dict[str, object] | None:
    """What a client is shown by a server, within this process."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):  # there and back, twice
        for side in (one, other):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return dict(one.getpeercert() or {})


def _lasting(name: str, said: str, shown: object) -> Check:
    assert isinstance(shown, dict)
    left = ssl.cert_time_to_seconds(str(shown["notAfter"])) - time.time()
    line = f"{said}, for {int(left / _DAY)} days more"
    return good(name, line) if left >= SOON * _DAY else warning(name, line, "renew it")

"""An e-mail as it is handed to a mail server: pure. Nothing that was said can become a header, a
recipient or a command."""

import hashlib
import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import NamedTuple

from device_adapters.hub.plain import plain
from schemas.call import Invocation
from schemas.errors import DeviceRefused

MOST_RECIPIENTS = 20
LONGEST_TEXT = 100_000
"""Characters of an e-mail."""
_LONGEST_SUBJECT = 200
_SUBJECT_OF_TEXT = 60
"""Characters of a text that stand for a subject nobody said."""
_LOCAL = re.compile(r"(?!.*=\?)[^\s()<>\[\]:;@\\,\".]+(?:\.[^\s()<>\[\]:;@\\,\".]+)*")
_NAMED = re.compile(r"(?P<name>[^<>@]*)<(?P<address>[^<>]*)>")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_UNSEEN = str.maketrans(dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127)))
"""Control characters that no text needs."""


class Letter(NamedTuple):
    """An e-mail and its envelope; `international`: an address has other letters than ASCII."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes  # lines end with CR LF
    international: bool


def mailbox(said: str) -> Address:
    """`name@example.org`, or `Name <name@example.org>`; ValueError where it is neither."""
    found = _NAMED.fullmatch(said.strip())
    return _address(found["address"], _words(found["name"], 80)) if found else _address(said)


def _address(said: str, name: str = "") -> Address:
    local, _, domain = said.strip().rpartition("@")
    labels = _ascii(domain).split(".")
    sound = said.isprintable() and len(local.encode()) <= 64 and len(".".join(labels)) <= 253
    if not (sound and _LOCAL.fullmatch(local) and all(map(_LABEL.fullmatch, labels))):
        raise ValueError(f"{plain(said, 80)} is no e-mail address")
    return Address(name, local, ".".join(labels))


def letter(call: Invocation, sender: Address, at: datetime) -> Letter:
    """The e-mail that a call asks for. Its Message-ID is the same whenever the call is repeated, so
    that a mailbox can tell; DeviceRefused where it cannot be written."""
    recipients = _recipients(str(call.arguments.get("recipient") or ""))
    text = str(call.arguments.get("content") or "").encode(errors="replace").decode()
    if len(text) > LONGEST_TEXT:
        raise DeviceRefused(f"an e-mail of {len(text)} characters is too long")
    subject = _words(str(call.arguments.get("title") or ""), _LONGEST_SUBJECT)
    everybody = (sender, *recipients)
    international = not all(one.username.isascii() for one in everybody)
    message = EmailMessage(policy=SMTPUTF8 if international else SMTP.clone(cte_type="7bit"))
    message["From"] = sender
    message["To"] = recipients
    message["Subject"] = subject or _words(text, _SUBJECT_OF_TEXT)
    message["Date"] = at
    message["Message-ID"] = f"<{_digest(call)}@{sender.domain}>"
    message.set_content(text.translate(_UNSEEN))
    envelope = tuple(dict.fromkeys(one.addr_spec for one in recipients))
    return Letter(sender.addr_spec, envelope, message.as_bytes(), international)


def _words(said: str, most: int) -> str:
    """What may stand in a header: no encoded word (RFC 2047), whose decoded line ends `email` would
    write as they are."""
    return plain(said, most).replace("=?", "= ?")


def _recipients(said: str) -> tuple[Address, ...]:
    """One or more addresses with commas between them."""
    found = [part.strip() for part in said.replace(";", ",").split(",") if part.strip()]
    if not 0 < len(found) <= MOST_RECIPIENTS:
        raise DeviceRefused(f"an e-mail goes to 1 to {MOST_RECIPIENTS} addresses")
    try:
        return tuple(map(_address, found))
    except ValueError as error:
        raise DeviceRefused(str(error)) from error


def _ascii(domain: str) -> str:
    """A domain as the network knows it; "" where it is none."""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return ""


def _digest(call: Invocation) -> str:
    said = "\0".join(
        (call.key, *(str(call.arguments.get(name)) for name in sorted(call.arguments)))
    )
    return hashlib.sha256(said.encode(errors="replace")).hexdigest()[:32]

"""Configuration: `hub.toml`, `devices.toml`, `people.toml`, `policy.toml` and the environment,
refused early."""

import os
import re
import ssl
import tomllib
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, Self, TypeGuard, TypeVar, get_args
from urllib.parse import quote, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from device_adapters.hub import Account, Security, Sources, mailbox
from orchestrator import drivers, people, policy, taught
from orchestrator.admission import Limits
from orchestrator.catalogue import Catalogue
from orchestrator.nearest import hint
from orchestrator.people import Contact, People, Speaker
from orchestrator.policy import Policy, Rule
from schemas.device import Device
from schemas.errors import InvalidSettings

M = TypeVar("M", bound=BaseModel)
_HERE = Path(__file__).parent
PACKAGED = next(f for f in (_HERE / "config", _HERE.parent / "config") if f.is_dir())
"""The configuration that comes with the hub: in the installed package, or in the checkout."""


class _Section(BaseModel):
    """Read from TOML, so enums and tuples are read leniently; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _secret(file: str, setting: str) -> str | None:
    """What the file of a setting holds, if it is set."""
    if not file:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"hub.toml: {setting}: {error}") from error


def _trusting(ca_file: str, setting: str) -> ssl.SSLContext:
    """How a server's certificate is checked: its host's name, and by whom it was signed."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error
        raise InvalidSettings(f"hub.toml: {setting}: {ca_file}: {why}") from error


class Hub(_Section):
    """Who this hub is."""

    name: str = Field("octopus", pattern=r"^[a-z0-9_-]{1,40}$")
    state: str = ""
    region: str = Field("US", pattern=r"^[A-Z]{2}$")
    time_zone: str = ""
    managers: tuple[str, ...] = ()


class BrokerSettings(_Section):
    """Which MQTT broker."""

    url: str = Field("", pattern=r"^(mqtts?://[^\s/]+)?$")
    ca_file: str = ""
    username: str = ""
    password_file: str = ""
    port: int = Field(1883, ge=0, le=65535)
    topic: str = Field("octopus", pattern=r"^[^\s#+]+$")
    discovery: str = Field("homeassistant", pattern=r"^[^\s#+]+$")

    @field_validator("url")
    @classmethod
    def _has_a_host(cls, url: str) -> str:
        """Refuse what `address` could not read; passwords have a file of their own."""
        parts = urlsplit(url)
        if url and (not parts.hostname or parts.username or parts.port == 0):
            raise ValueError("must be mqtt://host or mqtts://host, and :port where it is another")
        return url

    @model_validator(mode="after")
    def _trusts_somebody(self) -> Self:
        if self.ca_file and not self.encrypted:
            raise ValueError("broker.ca_file needs an mqtts:// broker.url")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether the broker is spoken to over TLS."""
        return self.url.startswith("mqtts://")

    def address(self) -> tuple[str, int] | None:
        """Host and port of a configured broker."""
        parts = urlsplit(self.url)
        port = parts.port or (8883 if self.encrypted else 1883)
        return (parts.hostname, port) if parts.hostname else None

    def tls(self) -> ssl.SSLContext | None:
        """How the broker's certificate is checked: its host's name, and by whom it was signed."""
        return _trusting(self.ca_file, "broker.ca_file") if self.encrypted else None

    def password(self) -> str | None:
        """The password for the configured broker."""
        return _secret(self.password_file, "broker.password_file")


class Store(_Section):
    """Where the journal is, and for how long."""

    url: str = ""
    password_file: str = ""
    keep_days: int = Field(365, ge=0, le=36500)
    backups: int = Field(7, ge=0, le=1000)

    @field_validator("url")
    @classmethod
    def _names_a_user(cls, url: str) -> str:
        """Passwords have a file of their own."""
        parts = urlsplit(url)
        if url and not (
            url.startswith("postgresql://") and parts.username and parts.path.strip("/")
        ):
            raise ValueError("must be postgresql://user@host/database, or empty")
        if parts.password is not None:
            raise ValueError("must hold no password: store.password_file names a file with it")
        return url

    def address(self) -> str:
        """The URL, with the password if there is one."""
        password = _secret(self.password_file, "store.password_file")
        if password is None or not self.url:
            return self.url
        user, _, place = self.url.partition("@")
        return f"{user}:{quote(password, safe='')}@{place}"


class Model(_Section):
    """Which model, and how it is asked."""

    url: str = "embedded:"
    threshold: float = Field(0.5, ge=0, le=1)
    caution: float = Field(0.05, ge=0, le=1)
    threads: int = Field(0, ge=0, le=64)
    deadline: float = Field(30, gt=0, allow_inf_nan=False)
    precision: Literal["int8", "bf16"] = "int8"
    parallel: bool = False
    prompt: str = ""
    weights: str = ""
    key_file: str = ""
    timeout: float = Field(5, gt=0, allow_inf_nan=False)

    @field_validator("url")
    @classmethod
    def _is_a_kind(cls, url: str) -> str:
        """Keys have a file of their own, so none stands in an address."""
        parts = urlsplit(url)
        server = url.startswith(("http://", "https://")) and bool(parts.hostname)
        server = server and "@" not in parts.netloc and not parts.query
        named = re.fullmatch(r"hf:[\w.-]+/[\w.-]+(@[\w./-]+)?", url)
        if not (url == "embedded:" or server or named or url.startswith(("/", "~"))):
            raise ValueError(
                "must be embedded:, hf:ORGANISATION/NAME, /a/folder, or http://host:port/v1"
            )
        return url

    @field_validator("prompt")
    @classmethod
    def _has_a_query(cls, prompt: str) -> str:
        if prompt and prompt.count("{query}") != 1:
            raise ValueError("must hold {query} once, where the sentence goes")
        return prompt

    @model_validator(mode="after")
    def _leaves_time_for_the_embedded(self) -> Self:
        """A server is asked three times at most, then the embedded weights answer."""
        if self.on_server and self.deadline < 4 * self.timeout:
            raise ValueError("timeout must be no more than a quarter of deadline")
        return self

    @property
    def on_server(self) -> bool:
        """Whether the weights are a server's."""
        return self.url.startswith(("http://", "https://"))

    def key(self) -> str | None:
        """The server's key."""
        return _secret(self.key_file, "model.key_file")


class Discovery(_Section):
    """How devices are looked for."""

    zeroconf: bool = True
    usb: bool = True
    announce: bool = True
    loopback_only: bool = False


class Http(_Section):
    """The web page, on this machine only."""

    port: int = Field(0, ge=0, le=65535)


class ConsoleSettings(_Section):
    """A phone that shows the page to one user, and says what waits for them."""

    device: str = Field(min_length=1)
    user: str = people.LOCAL
    port: int = Field(8377, ge=1024, le=65535)
    private: bool = True


class LimitSettings(_Section):
    """How much is taken in."""

    commands_per_minute: int = Field(Limits.a_minute, ge=1)
    burst: int = Field(Limits.burst, ge=1)
    under_way: int = Field(Limits.under_way, ge=1)

    def of_users(self) -> Limits:
        """As the pipeline takes it."""
        return Limits(self.commands_per_minute, self.burst, self.under_way)


class Email(_Section):
    """The mail server by which the hub sends e-mail; without a host it sends none."""

    model_config = ConfigDict(populate_by_name=True)

    host: str = Field("", pattern=r"^[^\s/@]*$")
    port: int = Field(0, ge=0, le=65535)
    security: Security = Security.TLS
    sender: str = Field("", alias="from")
    username: str = ""
    password_file: str = ""
    ca_file: str = ""

    @model_validator(mode="after")
    def _can_send(self) -> Self:
        """Refuse what could not send, or would show a password to others."""
        if not self.host:
            if any((self.port, self.sender, self.username, self.password_file, self.ca_file)):
                raise ValueError("host is missing: the name of the mail server")
            return self
        mailbox(self.sender)
        if self.security is Security.NONE and not _is_this_machine(self.host):
            raise ValueError('security = "none" is for a mail server on this machine only')
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username and password_file go together")
        return self

    def account(self) -> Account | None:
        """The account on the server, if there is one; InvalidSettings where a file is not right."""
        if not self.host:
            return None
        return Account(
            self.host, self.port or _MAIL_PORTS[self.security], self.security,
            mailbox(self.sender), _trusting(self.ca_file, "email.ca_file"), self.username,
            _secret(self.password_file, "email.password_file") or "", self.password_file,
        )  # fmt: skip


_MAIL_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Settings(_Section):
    """Everything a person may configure."""

    hub: Hub = Hub()
    broker: BrokerSettings = BrokerSettings()
    store: Store = Store()
    model: Model = Model()
    discovery: Discovery = Discovery()
    http: Http = Http()
    console: tuple[ConsoleSettings, ...] = ()
    limits: LimitSettings = LimitSettings()
    home: Sources = Sources()
    email: Email = Email()
    policy: Policy = Policy()
    people: People = People()
    adapters: dict[str, Any] = {}
    devices: tuple[Device, ...] = ()
    recipes: Path | None = None

    @field_validator("console")
    @classmethod
    def _one_each(cls, consoles: tuple[ConsoleSettings, ...]) -> tuple[ConsoleSettings, ...]:
        """A phone is one user's console: whoever holds it is that user."""
        devices = [console.device.casefold() for console in consoles]
        if twice := next((name for name in devices if devices.count(name) > 1), None):
            raise ValueError(f"{twice} is a console twice")
        return consoles

    @property
    def managers(self) -> frozenset[str]:
        """Who may change devices and manage phones. On another broker anybody may go by the name
        of this machine's own command line, so there it must be named too."""
        local = () if self.broker.url else (people.LOCAL,)
        return frozenset((*local, *self.hub.managers))

    @property
    def state(self) -> Path:
        """Where the journal, keys and passwords are kept."""
        configured = self.hub.state or os.environ.get("STATE_DIRECTORY", "")
        fallback = Path(os.environ.get("XDG_STATE_HOME", "~/.local/state")) / "octopus-hub"
        return Path(configured or fallback).expanduser()


_PHONE = ({"host", "port"}, {"usb"}, {"tls_host", "tls_port"}, {"serial"})
"""What a phone's address must hold: one of these. With a serial number alone, it is looked for."""


class _Devices(_Section):
    device: tuple[Device, ...] = ()

    @field_validator("device")
    @classmethod
    def _can_be_reached(cls, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        for device in devices:
            try:
                ways = _PHONE if device.protocol == "adb" else drivers.load(device.protocol).needs
            except InvalidSettings as error:
                raise ValueError(f"{device.id}: {error}") from error
            missing = [way - set(device.address) for way in ways]
            if missing and all(missing):
                raise ValueError(f"{device.id}: address has no {min(missing[0])}")
            for port in ("port", "tls_port"):
                if not device.address.get(port, "1").isdecimal():
                    raise ValueError(f"{device.id}: the address's {port} is a number")
        return devices

    @field_validator("device")
    @classmethod
    def _one_default_each(cls, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        kinds = [device.kind for device in devices if device.default]
        if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
            raise ValueError(f"two devices are the default {twice}")
        return devices


class _Rules(_Section):
    rule: tuple[Rule, ...] = ()


class _People(_Section):
    users: dict[str, Speaker] = {}
    contact: tuple[Contact, ...] = ()


def load(folder: Path) -> tuple[Settings, Catalogue]:
    """The folder's files, and the functions: its own or the packaged ones, and those that were
    taught. InvalidSettings names the file, the key and what is wrong."""
    hub = hub_of(folder)
    own, recipes = folder / "functions", folder / "recipes"
    using = taught.current(hub.state)
    catalogue = Catalogue.load(
        own if own.is_dir() else PACKAGED / "functions",
        *([using / taught.FUNCTIONS] if using else []),
    )
    known = _people(folder / "people.toml", hub.hub.region)
    _check_users(hub, known, folder / "hub.toml")
    update = {
        "adapters": _adapters(hub.adapters, folder / "hub.toml"),
        "devices": _of_file(_Devices, folder / "devices.toml").device,
        "people": known,
        "recipes": recipes if recipes.is_dir() else None,
        "policy": _policy(folder / "policy.toml", catalogue, known),
    }
    return hub.model_copy(update=update), catalogue


def hub_of(folder: Path) -> Settings:
    """What hub.toml says, alone; InvalidSettings where there is none."""
    if not folder.is_dir():
        raise InvalidSettings(f"{folder} is no folder: --config names the one with hub.toml")
    if not (folder / "hub.toml").exists():
        raise InvalidSettings(f"{folder} has no hub.toml: --config names the folder with one")
    return _of_file(Settings, folder / "hub.toml")


def _adapters(said: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """What `[adapters.PROTOCOL]` says to each driver, as its own options."""
    read = {}
    for protocol, table in said.items():
        try:
            kind = drivers.load(protocol).options
        except InvalidSettings as error:
            raise InvalidSettings(f"{file}: adapters.{protocol}: {error}") from error
        if not isinstance(table, dict):
            raise InvalidSettings(f"{file}: write [adapters.{protocol}]")
        read[protocol] = _checked(kind, table, file, ("adapters", protocol))
    return read


def _check_users(hub: Settings, known: People, file: Path) -> None:
    """InvalidSettings where somebody is named whom nobody knows."""
    users = {*known.users, people.LOCAL}
    named = [(f"console {n}: user", one.user) for n, one in enumerate(hub.console, 1)]
    for key, user in [*named, *(("hub.managers", user) for user in hub.hub.managers)]:
        if user not in users:
            raise InvalidSettings(
                f"{file}: {key}: no user {user} in people.toml{hint(user, users)}"
            )


def _people(file: Path, region: str) -> People:
    said = _of_file(_People, file)
    known = People(users=said.users, contacts=said.contact)
    if wrong := people.mistake(known, region):
        raise InvalidSettings(f"{file}: {wrong}")
    return known


def _policy(file: Path, catalogue: Catalogue, known: People) -> Policy:
    rules = Policy(rules=_of_file(_Rules, file).rule)
    if wrong := policy.mistake(rules, catalogue, {*known.users, people.LOCAL}):
        raise InvalidSettings(f"{file}: {wrong}")
    return rules


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettings(f"{file}: {error}") from error


def _of_file(kind: type[M], file: Path) -> M:
    """What the file says; InvalidSettings names the first thing that is wrong with it."""
    return _checked(kind, _read(file), file)


def _checked(kind: type[M], said: Any, file: Path, under: tuple[str, ...] = ()) -> M:
    """What a file says under some key; InvalidSettings names the first thing that is wrong."""
    try:
        return kind.model_validate(said, strict=False)
    except ValidationError as error:
        unknown = (e for e in error.errors() if e["type"] == "extra_forbidden")
        first = next(unknown, error.errors()[0])  # what is misspelled is often missing too
        place, value = _place((*under, *first["loc"])), str(first["input"])
        if first["type"] == "extra_forbidden":
            near = hint(str(first["loc"][-1]), _keys(kind, first["loc"]))
            raise InvalidSettings(f"{file}: unknown key {place}{near}") from error
        choices = re.findall(r"'([^']*)'", first.get("ctx", {}).get("expected", ""))
        raise InvalidSettings(f"{file}: {place}: {_wrong(first)}{hint(value, choices)}") from error


def _wrong(error: ErrorDetails) -> str:
    """What is wrong with a value, for whoever writes TOML."""
    if error["type"] == "tuple_type":
        several = isinstance(error["input"], dict)
        return f"write [[{error['loc'][-1]}]]" if several else "a list is needed, in [ ]"
    if error["type"] == "model_type" and isinstance(error["loc"][-1], str):
        return f"a section is needed, such as [{'.'.join(map(str, error['loc']))}]"
    return error["msg"]


def _place(place: Sequence[int | str]) -> str:
    """A key as a person looks for it; in a list of sections, the first is 1."""
    keys = "".join(f" {k + 1}: " if isinstance(k, int) else f".{k}" for k in place)
    return keys.replace(": .", ": ").strip(" .:")


def _keys(kind: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """The keys there are where the unknown one stands."""
    for name in place[:-1]:
        if field := kind.model_fields.get(str(name)):
            inside = (field.annotation, *get_args(field.annotation))
            kind = next((k for k in inside if _is_section(k)), kind)
    return [field.alias or name for name, field in kind.model_fields.items()]


def _is_section(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)

"""Configuration: `hub.toml`, `devices.toml`, `people.toml`, `policy.toml` and the environment,
refused early."""

import os
import re
import tomllib
from collections.abc import Sequence
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

from orchestrator import people, policy, taught
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


class Hub(_Section):
    """Who this hub is."""

    name: str = Field("octopus", pattern=r"^[a-z0-9_-]{1,40}$")
    state: str = ""
    region: str = Field("US", pattern=r"^[A-Z]{2}$")
    time_zone: str = ""


class BrokerSettings(_Section):
    """Which MQTT broker."""

    url: str = Field("", pattern=r"^(mqtt://[^\s/]+)?$")
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
            raise ValueError("must be mqtt://host or mqtt://host:port")
        return url

    def address(self) -> tuple[str, int] | None:
        """Host and port of a configured broker."""
        parts = urlsplit(self.url)
        return (parts.hostname, parts.port or 1883) if parts.hostname else None

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


class PhoneSettings(_Section):
    """Who may manage phones."""

    managers: tuple[str, ...] = ()


class LimitSettings(_Section):
    """How much is taken in."""

    commands_per_minute: int = Field(Limits.a_minute, ge=1)
    burst: int = Field(Limits.burst, ge=1)
    under_way: int = Field(Limits.under_way, ge=1)

    def of_users(self) -> Limits:
        """As the pipeline takes it."""
        return Limits(self.commands_per_minute, self.burst, self.under_way)


class Home(_Section):
    """Where the hub's own weather and news come from."""

    location: str = ""
    forecast_url: str = "https://api.open-meteo.com"
    geocoding_url: str = "https://geocoding-api.open-meteo.com"
    news_url: str = "https://news.google.com/rss/search?q={query}&hl={language}"
    headlines_url: str = "https://news.google.com/rss?hl={language}"


class Settings(_Section):
    """Everything a person may configure."""

    hub: Hub = Hub()
    broker: BrokerSettings = BrokerSettings()
    store: Store = Store()
    model: Model = Model()
    discovery: Discovery = Discovery()
    http: Http = Http()
    console: tuple[ConsoleSettings, ...] = ()
    phone: PhoneSettings = PhoneSettings()
    limits: LimitSettings = LimitSettings()
    home: Home = Home()
    policy: Policy = Policy()
    people: People = People()
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
        """Who may manage phones. On another broker anybody may go by the name of this machine's own
        command line, so there it must be named too."""
        local = () if self.broker.url else (people.LOCAL,)
        return frozenset((*local, *self.phone.managers))

    @property
    def state(self) -> Path:
        """Where the journal, keys and passwords are kept."""
        configured = self.hub.state or os.environ.get("STATE_DIRECTORY", "")
        fallback = Path(os.environ.get("XDG_STATE_HOME", "~/.local/state")) / "octopus-hub"
        return Path(configured or fallback).expanduser()


_ADDRESS: dict[str, tuple[set[str], ...]] = {
    "adb": ({"host", "port"}, {"usb"}, {"tls_host", "tls_port"}, {"serial"}),
    "homeassistant": ({"ha"},),
}
"""What an address must hold, by protocol: one of these. With a serial number alone, a phone is
looked for."""


class _Devices(_Section):
    device: tuple[Device, ...] = ()

    @field_validator("device")
    @classmethod
    def _can_be_reached(cls, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        for device in devices:
            if device.protocol not in _ADDRESS:
                known = ", ".join(sorted(_ADDRESS))
                raise ValueError(f"{device.id}: protocol {device.protocol!r}; there are: {known}")
            missing = [way - set(device.address) for way in _ADDRESS[device.protocol]]
            if all(missing):
                raise ValueError(f"{device.id}: address has no {min(missing[0])}")
            for port in ("port", "tls_port"):
                if not device.address.get(port, "1").isdecimal():
                    raise ValueError(f"{device.id}: the address's {port} is a number")
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


def _check_users(hub: Settings, known: People, file: Path) -> None:
    """InvalidSettings where somebody is named whom nobody knows."""
    users = {*known.users, people.LOCAL}
    named = [(f"console {n}: user", one.user) for n, one in enumerate(hub.console, 1)]
    for key, user in [*named, *(("phone.managers", user) for user in hub.phone.managers)]:
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
    try:
        return kind.model_validate(_read(file), strict=False)
    except ValidationError as error:
        unknown = (e for e in error.errors() if e["type"] == "extra_forbidden")
        first = next(unknown, error.errors()[0])  # what is misspelled is often missing too
        place, said = _place(first["loc"]), str(first["input"])
        if first["type"] == "extra_forbidden":
            near = hint(str(first["loc"][-1]), _keys(kind, first["loc"]))
            raise InvalidSettings(f"{file}: unknown key {place}{near}") from error
        choices = re.findall(r"'([^']*)'", first.get("ctx", {}).get("expected", ""))
        raise InvalidSettings(f"{file}: {place}: {_wrong(first)}{hint(said, choices)}") from error


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
    return list(kind.model_fields)


def _is_section(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)

"""Volumes, and what is heard: `media volume`, `cmd audio`, `dumpsys audio`."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from device_adapters.simulated.phone import clock, front
from device_adapters.simulated.phone.java import ILLEGAL, JavaError, decode_int
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import (
    MUSIC,
    NOTIFICATION,
    PLAYING,
    RING,
    Dialog,
    Volume,
)

STREAMS = {
    0: "STREAM_VOICE_CALL",
    1: "STREAM_SYSTEM",
    2: "STREAM_RING",
    3: "STREAM_MUSIC",
    4: "STREAM_ALARM",
    5: "STREAM_NOTIFICATION",
}
USAGE = """usage: media_session [subcommand] [options]
       media_session dispatch KEY
       media_session list-sessions
       media_session monitor <tag>
       media_session volume [options]
"""
SEPARATE_NOTIFICATIONS = 34
"""The first sdk whose notifications are not as loud as its ringing."""

_STEPS = {"raise": 1, "same": 0, "lower": -1}


def set_index(phone: Phone, stream: int, index: int) -> None:
    """As AudioService does: within the range, and loud media only after a person's OK."""
    volume = phone.volumes[stream]
    index = min(max(index, volume.lowest), volume.highest)
    safe = phone.manners.safe_volume
    if stream == MUSIC and safe is not None and index > max(safe, volume.index):
        front.ask(phone, _warning(phone, index))
        return
    _set(phone, stream, replace(volume, index=index, muted=False))


def _set(phone: Phone, stream: int, volume: Volume) -> None:
    phone.volumes[stream] = volume
    if stream == RING and phone.sdk < SEPARATE_NOTIFICATIONS and NOTIFICATION in phone.volumes:
        phone.volumes[NOTIFICATION] = volume


def _warning(phone: Phone, index: int) -> Dialog:
    def louder() -> None:
        phone.dialog = None
        _set(phone, MUSIC, replace(phone.volumes[MUSIC], index=index))

    buttons = (("OK", louder), ("Cancel", lambda: front.close(phone)))
    return Dialog("", "Raise volume above recommended level?", buttons)


def mute(phone: Phone, stream: int, *, muted: bool) -> None:
    """A muted stream keeps its index for later."""
    _set(phone, stream, replace(phone.volumes[stream], muted=muted))


def step(phone: Phone, stream: int, by: int) -> None:
    """What a volume key does."""
    set_index(phone, stream, phone.volumes[stream].index + by)


@dataclass
class _Order:
    """What the options of `volume` ask for, and what is said of them."""

    stream: int = MUSIC
    index: int | None = None
    direction: str | None = None
    get: bool = False
    said: list[str] = field(default_factory=list)


def volume(phone: Phone, options: Words, mark: str = "[V]") -> Result:
    """AOSP's VolumeCtrl: --show, --stream N, then --get, --set INDEX or --adj DIRECTION.

    A bad index is said on stderr behind the whole usage, and exits 0; an exception exits 255.
    """
    order = _Order()
    try:
        _read(order, options)
        order.said.append("Connecting to AudioService")
        error, code = _change(phone, order), 0
        if order.get and error is None:
            now = phone.volumes[order.stream]
            shown = 0 if now.muted else now.index
            order.said.append(f"volume is {shown} in range [{now.lowest}..{now.highest}]")
    except JavaError as exc:
        error, code = str(exc), 255
    lines = "".join(f"{mark} {line}\n" for line in order.said)
    if error is None:
        return Result(lines.encode())
    return Result((lines + USAGE).encode(), f"{error}\n".encode(), code)


def _read(order: _Order, options: Words) -> None:
    """The options, in their own order."""
    rest = iter(options)
    for option in rest:
        if option == "--show":
            continue
        if option == "--get":
            order.get = True
            order.said.append("will get volume")
            continue
        if option not in ("--stream", "--set", "--adj"):
            raise JavaError(ILLEGAL, f"Unknown argument {option}")
        value = next(rest, None)
        if value is None:
            raise JavaError(ILLEGAL, f'Argument expected after "{option}"')
        if option == "--stream":
            order.stream = decode_int(value)
            name = STREAMS.get(order.stream, "invalid stream")
            order.said.append(f"will control stream={order.stream} ({name})")
        elif option == "--set":
            order.index = decode_int(value)
            order.said.append(f"will set volume to index={order.index}")
        else:
            order.direction = value
            order.said.append("will adjust volume")


def _change(phone: Phone, order: _Order) -> str | None:
    """Set or adjust; what is wrong with that."""
    now = phone.volumes.get(order.stream)
    if now is None:
        raise JavaError(ILLEGAL, f"Bad stream type {order.stream}")
    if order.direction is not None:
        by = _STEPS.get(order.direction)
        if by is None:
            said = f"Error: no valid volume adjustment, was {order.direction}"
            return f"{said}, expected lower|same|raise"
        step(phone, order.stream, by)
    elif order.index is not None:
        if not now.lowest <= order.index <= now.highest:
            said = f"Error: invalid volume index {order.index} for stream {order.stream}"
            return f"{said} (should be in [{now.lowest}..{now.highest}])"
        set_index(phone, order.stream, order.index)
    return None


def command(phone: Phone, words: Words) -> Result:
    """`cmd audio`, AOSP's AudioManagerShellCommand: what it does not know it does not mention."""
    known = _COMMANDS.get(words[0]) if words else None
    if known is None or phone.sdk < known[0]:
        return Result()
    try:
        numbers = [decode_int(word) for word in words[1:]]
        return known[1](phone, *numbers)
    except (TypeError, JavaError, KeyError):
        return complain("Error: wrong format or no argument provided", 255)


def _set_volume(phone: Phone, stream: int, index: int) -> Result:
    set_index(phone, stream, index)
    return say(f"calling AudioManager.setStreamVolume({stream}, {index}, 0)")


def _muting(phone: Phone, stream: int, *, muted: bool) -> Result:
    mute(phone, stream, muted=muted)
    word = "MUTE" if muted else "UNMUTE"
    return say(f"calling AudioManager.adjustStreamVolume({stream}, AudioManager.ADJUST_{word}, 0)")


def _getter(name: str, read: Callable[[Volume], int]) -> Callable[..., Result]:
    def get(phone: Phone, stream: int) -> Result:
        return say(f"AudioManager.{name}({stream}) -> {read(phone.volumes[stream])}")

    return get


_COMMANDS: dict[str, tuple[int, Callable[..., Result]]] = {
    "set-volume": (34, _set_volume),
    "adj-mute": (34, lambda phone, stream: _muting(phone, stream, muted=True)),
    "adj-unmute": (34, lambda phone, stream: _muting(phone, stream, muted=False)),
    "get-min-volume": (36, _getter("getStreamMinVolume", lambda volume: volume.lowest)),
    "get-max-volume": (36, _getter("getStreamMaxVolume", lambda volume: volume.highest)),
    "get-stream-volume": (36, _getter("getStreamVolume", lambda volume: volume.index)),
}
"""By name: the first sdk that knows it, and what it does."""


def dump(phone: Phone) -> str:
    """`dumpsys audio`: the streams, who plays, and the log of who played."""
    parts = ["Stream volumes (device: index)"]
    for number, name in STREAMS.items():
        if number in phone.volumes:
            parts += _stream(name, phone.volumes[number])
    parts += ["", f"PlaybackActivityMonitor dump time: {phone.now():%I:%M:%S %p}", "", "  players:"]
    parts += _players(phone)
    parts += ["", "", "Events log: playback activity as reported through PlayerBase"]
    parts += _events(phone)
    return "\n".join(parts)


def _stream(name: str, stream: Volume) -> list[str]:
    shown = 0 if stream.muted else stream.index
    return [
        f"- {name}:",
        f"   Muted: {str(stream.muted).lower()}",
        "   Muted Internally: false",
        f"   Min: {stream.lowest}",
        f"   Max: {stream.highest}",
        f"   streamVolume:{shown}",
        f"   Current: 2 (speaker): {stream.index}, 40000000 (default): {stream.index}",
        "   Devices: speaker(2)",
        "",
    ]


def _players(phone: Phone) -> list[str]:
    """The configurations; only who is started is heard."""
    lines = [_player(phone, 15, "1000/1412", "idle", "ASSISTANCE_SONIFICATION", "SONIFICATION")]
    media = "started" if phone.media_state == PLAYING else "paused"
    lines.append(_player(phone, 207, "10231/8090", media, "MEDIA", "MUSIC"))
    if clock.ringing(phone):
        lines.append(_player(phone, 423, "10145/8123", "started", "ALARM", "SONIFICATION"))
    return lines


def _player(phone: Phone, number: int, user: str, state: str, usage: str, content: str) -> str:
    """One AudioPlaybackConfiguration as this sdk prints it."""
    device = "" if phone.sdk < 31 else " deviceId:2" if phone.sdk < 36 else " deviceIds:[2]"
    kind = "android.media.SoundPool" if state == "idle" else "android.media.MediaPlayer"
    tail = " sessionId:233 mutedState:none" if phone.sdk >= 33 else ""
    return (
        f"  AudioPlaybackConfiguration piid:{number}{device} type:{kind} u/pid:{user} "
        f"state:{state} attr:AudioAttributes: usage=USAGE_{usage} content=CONTENT_TYPE_{content} "
        f"flags=0x800 tags= bundle=null{tail}"
    )


def _events(phone: Phone) -> list[str]:
    """What was: it says `started` long after it is quiet again."""
    word = "state" if phone.sdk < 31 else "event"
    at = f"{phone.now():%m-%d %H:%M:%S}:000"
    media = "started" if phone.media_state == PLAYING else "paused"
    played = [f"{at} player piid:207 {word}:{media}"]
    rang = [f"{at} player piid:423 {word}:{what}" for what in phone.rang]
    return played + rang if clock.ringing(phone) else rang + played

"""Media keys and the session they reach: `cmd media_session`, `dumpsys media_session`."""

from device_adapters.simulated.phone import audio
from device_adapters.simulated.phone.result import Result, Words, say
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import PAUSED, PLAYING, STOPPED

PACKAGE = "com.spotify.music"
_NAMES = {STOPPED: "STOPPED", PAUSED: "PAUSED", PLAYING: "PLAYING"}
_AFTER = {"play": PLAYING, "pause": PAUSED, "stop": STOPPED}
KEYS = (
    *("play", "pause", "play-pause", "mute", "headsethook", "stop", "next", "previous"),
    *("rewind", "record", "fast-forward"),
)


def press(phone: Phone, key: str) -> None:
    """What a media key does to the one session; `mute` is the microphone's."""
    phone.media_keys.append(key)
    if PACKAGE in phone.packages:
        if key in ("play-pause", "headsethook"):
            key = "pause" if phone.media_state == PLAYING else "play"
        phone.media_state = _AFTER.get(key, phone.media_state)


def command(phone: Phone, words: Words) -> Result:
    """AOSP's MediaShellCommand; an error comes behind the whole usage."""
    match words:
        case ["dispatch", key, *_] if key in KEYS:
            press(phone, key)
            return Result()
        case ["dispatch", key, *_]:
            return _error(f"Error: unknown dispatch code '{key}'", 0)
        case ["list-sessions"]:
            tag = f"  tag=spotify-media-session, package={PACKAGE}\n"
            return say("Sessions:\n" + (tag if PACKAGE in phone.packages else ""))
        case ["volume", *options]:
            return audio.volume(phone, options)
        case []:
            return say(audio.USAGE)
    return _error(f"Error: unknown command '{words[0]}'", 255)


def _error(text: str, code: int) -> Result:
    return Result(audio.USAGE.encode(), f"{text}\n".encode(), code)


def dump(phone: Phone) -> str:
    """`dumpsys media_session`: the stack of sessions with the state of each."""
    if PACKAGE not in phone.packages:
        return (
            "MEDIA SESSION SERVICE (dumpsys media_session)\n\n  Sessions Stack - have 0 sessions:"
        )
    state = str(phone.media_state)
    if phone.sdk >= 33:
        state = f"{_NAMES[phone.media_state]}({phone.media_state})"
    return (
        "MEDIA SESSION SERVICE (dumpsys media_session)\n\n"
        "  Sessions Stack - have 1 sessions:\n"
        f"    spotify-media-session {PACKAGE}/spotify-media-session (userId=0)\n"
        "      ownerPid=8090, ownerUid=10231, userId=0\n"
        f"      package={PACKAGE}\n"
        "      active=true\n"
        f"      state=PlaybackState {{state={state}, position=0, buffered position=0, speed=1.0, "
        "updated=1400, actions=2361143, custom actions=[], active item id=-1, error=null}\n"
        "      audioAttrs=AudioAttributes: usage=USAGE_MEDIA content=CONTENT_TYPE_MUSIC flags=0x0\n"
        "      metadata: size=6, description=Song, Artist, Album"
    )

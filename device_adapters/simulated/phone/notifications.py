"""Notifications and do not disturb: `cmd notification`, `dumpsys notification`.

The words are AOSP's NotificationShellCmd and NotificationRecord.dump; whatever goes wrong inside
the command is told on stdout, and exits 0.
"""

from collections.abc import Callable
from dataclasses import replace

from device_adapters.simulated.phone.intent import Reader, read
from device_adapters.simulated.phone.java import ILLEGAL, JavaError, parse_long
from device_adapters.simulated.phone.result import Result, Words, say
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import Notification

USAGE = """usage: cmd notification SUBCMD [args]

SUBCMDs:
  allow_dnd PACKAGE [user_id (current user if not specified)]
  set_dnd [on|none (same as on)|priority|alarms|all|off (same as all)]
  post [--help | flags] TAG TEXT
  list
  get <notification-key>
  snooze --for <msec> <notification-key>
  unsnooze <notification-key>"""
POST_USAGE = """usage: cmd notification post [flags] <tag> <text>

flags:
  -h|--help
  -v|--verbose
  -t|--title <text>
  -i|--icon <iconspec>
  -I|--large-icon <iconspec>
  -S|--style <style> [styleargs]
  -c|--content-intent <intentspec>"""
FULL = 30
"""The first sdk whose command does more than post."""

PENDING = "PendingIntent{9a8b7c6: PendingIntentRecord}"
_ZEN = {"off": 0, "all": 0, "priority": 1, "on": 2, "none": 2, "alarms": 3}
_STYLES = ("bigtext", "bigpicture", "inbox", "messaging", "media")
_KINDS = ("broadcast", "service", "activity")


def command(phone: Phone, words: Words) -> Result:
    """`cmd notification`."""
    if not words or words[0] in ("help", "-h"):
        return say(USAGE)
    name = words[0].replace("-", "_")
    if name in ("post", "notify"):
        return _guarded(_post, phone, words[1:])
    known = _COMMANDS.get(name) if phone.sdk >= FULL else None
    if known is None:
        return Result(f"Unknown command: {words[0]}\n".encode(), code=255)
    if not words[1:] and name != "list":
        return _failed(f'Argument expected after "{words[0]}"')
    return _guarded(known, phone, words[1:])


def _guarded(run: Callable[[Phone, Words], str], phone: Phone, words: Words) -> Result:
    try:
        return say(run(phone, words))
    except JavaError as exc:
        return _failed(exc.message)


def _failed(reason: str) -> Result:
    return say(f"Error occurred. Check logcat for details. {reason}")


def _set_dnd(phone: Phone, words: Words) -> str:
    mode = _ZEN.get(words[0])
    if mode is None:
        raise JavaError(ILLEGAL, "Invalid filter: 0")
    if phone.manners.dnd_settable:
        phone.settings["global"]["zen_mode"] = str(mode)
    return ""


def _list(phone: Phone, words: Words) -> str:
    return "\n".join(note.key for note in shown(phone))


def shown(phone: Phone) -> list[Notification]:
    """What is in the shade."""
    return [note for note in phone.notifications if not note.snoozed]


def _get(phone: Phone, words: Words) -> str:
    found = [note for note in phone.notifications if note.key == words[0]]
    if not found:
        return f"No active notification matching key: {words[0]}"
    return "\n".join(_record(found[0], redacted=False))


def _snooze(phone: Phone, words: Words) -> str:
    rest = list(words)
    length = None
    if rest[:1] in (["--for"], ["--duration"]) and len(rest) > 1:
        length = parse_long(rest[1])
        rest = rest[2:]
    if not rest:
        raise JavaError(ILLEGAL, 'Argument expected after "snooze"')
    if length is None or length <= 0:
        return "usage: cmd notification snooze (--for <msec> | --condition <name>) <key>"
    _mark(phone, rest[0], snoozed=True)
    return f"snoozing <{rest[0]}> until time: +{length}ms"


def _unsnooze(phone: Phone, words: Words) -> str:
    _mark(phone, words[-1], snoozed=False)
    return f"unsnoozing: {words[-1]}"


def _mark(phone: Phone, key: str, *, snoozed: bool) -> None:
    phone.notifications[:] = [
        replace(note, snoozed=snoozed) if note.key == key else note for note in phone.notifications
    ]


_COMMANDS: dict[str, Callable[[Phone, Words], str]] = {
    "set_dnd": _set_dnd,
    "list": _list,
    "get": _get,
    "snooze": _snooze,
    "unsnooze": _unsnooze,
    "allow_dnd": lambda phone, words: "",
    "disallow_dnd": lambda phone, words: "",
}


def _post(phone: Phone, words: Words) -> str:
    """Post; the same tag takes the old one's place."""
    note = _Poster(words).read()
    if note is None:
        return POST_USAGE
    if phone.sdk < FULL:
        note = replace(note, id=1138, channel="shellcmd")
    if phone.manners.notifications_shown:
        kept = [other for other in phone.notifications if other.key != note.key]
        phone.notifications[:] = [*kept, note]
    return f"posting:\n  {_described(note)}"


class _Poster:
    """Reads the words of `post`: options, then a tag and a text."""

    def __init__(self, words: Words) -> None:
        self._reader = Reader(words)
        self._note = Notification("", "", "")
        self._style = ""

    def read(self) -> Notification | None:
        """The notification; None where only the usage is said."""
        while (option := self._reader.option()) is not None:
            if not self._option(option):
                return None
        tag, text = self._reader.next(), self._reader.next()
        return None if tag is None or text is None else replace(self._note, tag=tag, text=text)

    def _option(self, option: str) -> bool:
        """Take one option; False where it is none."""
        match option:
            case "-v" | "--verbose":
                pass
            case "-t" | "--title":
                self._note = replace(self._note, title=self._reader.required())
            case "-i" | "--icon" | "-I" | "--large-icon":
                self._reader.required()
            case "-S" | "--style":
                self._style = self._reader.required().lower()
                if self._style not in _STYLES:
                    raise JavaError(ILLEGAL, f"unrecognized notification style: {self._style}")
            case "--bigtext" | "--big-text" | "--bigText":
                self._needs("bigtext", option)
                self._note = replace(self._note, big=self._reader.required())
            case "--line":
                self._needs("inbox", option)
                lines = (*self._note.lines, self._reader.required())
                self._note = replace(self._note, lines=lines)
            case "--message" | "--conversation":
                self._needs("messaging", option)
                self._reader.required()
            case "-c" | "--content-intent" | "--intent":
                if self._reader.peek() in _KINDS:
                    self._reader.next()
                self._note = replace(self._note, intent=read(self._reader))
            case _:
                return False
        return True

    def _needs(self, style: str, option: str) -> None:
        if self._style != style:
            raise JavaError(ILLEGAL, f"{option} requires --style {style}")


def dump(phone: Phone, words: Words) -> str:
    """`dumpsys notification`; without --noredact only how long the texts are."""
    redacted = "--noredact" not in words
    lines = ["Current Notification Manager state:", "  Notification List:"]
    for note in shown(phone):
        lines += [f"    {line}" for line in _record(note, redacted=redacted)]
    lines += ["", "  Snoozed notifications:"]
    lines += [f"    {note.key}" for note in phone.notifications if note.snoozed]
    zen = phone.settings["global"]["zen_mode"]
    names = {"0": "OFF", "1": "IMPORTANT_INTERRUPTIONS", "2": "NO_INTERRUPTIONS", "3": "ALARMS"}
    return "\n".join([*lines, "", "  Zen Mode:", f"    mZenMode=ZEN_MODE_{names.get(zen, zen)}"])


def _described(note: Notification) -> str:
    return (
        f"Notification(channel={note.channel} shortcut=null contentView=null vibrate=null "
        "sound=null defaults=0x0 flags=0x0 color=0x00000000 vis=PRIVATE)"
    )


def _record(note: Notification, *, redacted: bool) -> list[str]:
    def text(value: str) -> str:
        return f"String [length={len(value)}]" if redacted else f"String ({value})"

    lines = [
        f"NotificationRecord(0x0a1b2c3d: pkg={note.package} user=UserHandle{{0}} id={note.id} "
        f"tag={note.tag} importance=3 key={note.key}: {_described(note)})",
        f"  uid={note.uid} userId=0",
        "  opPkg=" + note.package,
        "  icon=Icon(typ=RESOURCE pkg=android id=0x01080885)",
        "  flags=0x0",
        "  pri=0",
        f"  key={note.key}",
        "  seen=false",
        "  groupKey=" + note.key,
        f"  contentIntent={PENDING if note.intent else 'null'}",
        "  extras={",
        "      android.title=" + (text(note.title) if note.title else "null"),
        "      android.reduced.images=Boolean (true)",
        "      android.text=" + text(note.text),
    ]
    if note.big is not None:
        lines += [
            "      android.template=String (android.app.Notification$BigTextStyle)",
            "      android.bigText=" + text(note.big),
        ]
    if note.lines:
        lines += [
            "      android.template=String (android.app.Notification$InboxStyle)",
            f"      android.textLines=CharSequence[] ({len(note.lines)})",
        ]
    return [*lines, "  }"]

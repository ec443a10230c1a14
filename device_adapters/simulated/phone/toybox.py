"""The small Unix programs that the phone's clients call."""

import hashlib
import posixpath
import stat
from collections.abc import Callable
from datetime import UTC, datetime

from device_adapters.simulated.phone import files
from device_adapters.simulated.phone.files import Entry
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone

ADDRESS, HARDWARE = "192.168.1.42", "3c:28:6d:00:11:22"
_UP = 93_784
_BLOCK = 1024


def _split(words: Words) -> tuple[str, list[str]]:
    """The letters of all options, and the operands."""
    flags = "".join(word[1:] for word in words if word.startswith("-") and len(word) > 1)
    return flags, [word for word in words if not word.startswith("-") or word == "-"]


def _date(phone: Phone, words: Words) -> Result:
    """`date [-u] [+FORMAT]`."""
    now = phone.now().astimezone(UTC) if "-u" in words else phone.now()
    form = next((word[1:] for word in words if word.startswith("+")), "%a %b %d %H:%M:%S %Z %Y")
    form = form.replace("%s", str(int(phone.clock()))).replace("%N", "000000000")
    return Result(f"{now:{form}}\n".encode() if form else b"\n")


def _ls(phone: Phone, words: Words) -> Result:
    """`ls [-1adl] [PATH…]`."""
    flags, paths = _split(words)
    said, wrong = list[str](), list[str]()
    for path in paths or ["/"]:
        entry = phone.files.stat(path)
        if entry is None:
            wrong.append(f"ls: {path}: No such file or directory")
            continue
        inside = stat.S_ISDIR(entry.mode) and "d" not in flags
        entries = phone.files.list(path) if inside else [(path, entry)]
        if inside and len(paths) > 1:
            said.append(f"{path}:")
        if inside and "l" in flags:
            said.append(f"total {sum(one.size for _, one in entries) // _BLOCK}")
        said += [_listed(name, one) if "l" in flags else name for name, one in entries]
    out = "".join(f"{line}\n" for line in said).encode(errors="surrogateescape")
    return Result(out, "".join(f"{line}\n" for line in wrong).encode(), int(bool(wrong)))


def _listed(name: str, entry: Entry) -> str:
    when = datetime.fromtimestamp(entry.mtime, UTC)
    mode = stat.filemode(entry.mode)
    return f"{mode} 1 u0_a145 media_rw {entry.size:>8} {when:%Y-%m-%d %H:%M} {name}"


def _rm(phone: Phone, words: Words) -> Result:
    """`rm [-rf] PATH…`."""
    flags, paths = _split(words)
    wrong = []
    for path in paths:
        entry = phone.files.stat(path)
        if entry is not None and stat.S_ISDIR(entry.mode) and "r" not in flags.lower():
            wrong.append(f"rm: {path}: is directory")
            continue
        try:
            phone.files.remove(path)
        except FileNotFoundError as exc:
            wrong += [] if "f" in flags else [f"rm: {path}: {exc}"]
        except OSError as exc:
            wrong.append(f"rm: {path}: {exc}")
    return complain("\n".join(wrong)) if wrong else Result()


def _move(phone: Phone, words: Words) -> Result:
    """`mv FILE PATH`."""
    return _copy(phone, words, remove=True)


def _copy(phone: Phone, words: Words, *, remove: bool = False) -> Result:
    """`cp FILE PATH`; the path may be a folder."""
    name = "mv" if remove else "cp"
    _, paths = _split(words)
    if len(paths) != 2:
        return complain(f"{name}: Needs 2 arguments")
    source, target = paths
    entry = phone.files.stat(target)
    if entry is not None and stat.S_ISDIR(entry.mode):
        target = f"{target}/{posixpath.basename(source)}"
    try:
        phone.files.write(target, phone.files.read(source), mtime=int(phone.clock()))
        if remove:
            phone.files.remove(source)
    except OSError as exc:
        return complain(f"{name}: {source}: {exc}")
    return Result()


def _mkdir(phone: Phone, words: Words) -> Result:
    """`mkdir [-p] PATH…`."""
    flags, paths = _split(words)
    for path in paths:
        if phone.files.stat(path) is not None and "p" not in flags:
            return complain(f"mkdir: '{path}': File exists")
        if phone.files.stat(posixpath.dirname(path) or "/") is None and "p" not in flags:
            return complain(f"mkdir: '{path}': No such file or directory")
        phone.files.make(path)
    return Result()


def _stat(phone: Phone, words: Words) -> Result:
    """`stat [-c FORMAT] PATH`; the format has %n %s %Y %a %F."""
    rest = list(words)
    form = "%n %s %a %Y"
    if rest[:1] in (["-c"], ["-Lc"]) and len(rest) > 1:
        form, rest = rest[1], rest[2:]
    said = []
    for path in rest:
        entry = phone.files.stat(path)
        if entry is None:
            return complain(f"stat: '{path}': No such file or directory")
        kind = "directory" if stat.S_ISDIR(entry.mode) else "regular file"
        cells = {"n": path, "s": entry.size, "Y": entry.mtime, "F": kind}
        cells["a"] = f"{stat.S_IMODE(entry.mode):o}"
        line = form
        for letter, value in cells.items():
            line = line.replace(f"%{letter}", str(value))
        said.append(line)
    return say("\n".join(said))


def _md5sum(phone: Phone, words: Words) -> Result:
    """`md5sum [-b] FILE…`."""
    flags, paths = _split(words)
    said = []
    for path in paths:
        try:
            digest = hashlib.md5(phone.files.read(path), usedforsecurity=False).hexdigest()
        except OSError as exc:
            return complain(f"md5sum: {path}: {exc}")
        said.append(digest if "b" in flags else f"{digest}  {path}")
    return say("\n".join(said))


def _df(phone: Phone, words: Words) -> Result:
    """`df [-h] [PATH]`, in kilobytes."""
    total, free = files.CAPACITY // _BLOCK, phone.files.free // _BLOCK
    used = total - free
    share = f"{100 * used // total}%"
    rows = [
        ("Filesystem", "1K-blocks", "Used", "Available", "Use%", "Mounted on"),
        ("tmpfs", "5780640", "1416", "5779224", "1%", "/dev"),
        ("/dev/block/dm-55", str(total), str(used), str(free), share, "/data"),
        ("/dev/fuse", str(total), str(used), str(free), share, "/storage/emulated"),
    ]
    flags, paths = _split(words)
    if "h" in flags:
        rows = [_human(row) if row[1].isdecimal() else row for row in rows]
    if paths:
        place = "/data" if paths[0].startswith("/data") else "/storage/emulated"
        rows = [row for row in rows if row[5] in ("Mounted on", place)]
    return say("\n".join(f"{a:<20}{b:>10}{c:>10}{d:>10} {e:>4} {f}" for a, b, c, d, e, f in rows))


def _human(row: tuple[str, ...]) -> tuple[str, str, str, str, str, str]:
    def short(number: str) -> str:
        size = float(number)
        for letter in "KMGT":
            if size < _BLOCK:
                return f"{size:.0f}{letter}" if size >= 10 else f"{size:.1f}{letter}"
            size /= _BLOCK
        return f"{size:.0f}P"

    name, total, used, free, share, place = row
    return name, short(total), short(used), short(free), share, place


def _ip(phone: Phone, words: Words) -> Result:
    """`ip route` and `ip addr show wlan0`, as on a home network."""
    if phone.settings["global"].get("wifi_on") != "1":
        return Result()
    match words:
        case ["route", *_]:
            return say(f"192.168.1.0/24 dev wlan0 proto kernel scope link src {ADDRESS}")
        case ["addr" | "a" | "address", *rest] if rest[-1:] in ([], ["show"], ["wlan0"]):
            return say(
                "12: wlan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP\n"
                f"    link/ether {HARDWARE} brd ff:ff:ff:ff:ff:ff\n"
                f"    inet {ADDRESS}/24 brd 192.168.1.255 scope global wlan0"
            )
    return complain(f'Device "{words[-1] if words else ""}" does not exist.')


def _ps(phone: Phone, words: Words) -> Result:
    """The system's processes and the app in front; without -A or -e only the shell's own."""
    rows = ["USER           PID  PPID     VSZ    RSS WCHAN            ADDR S NAME"]
    if {"-A", "-e", "-ef"} & set(words):
        package = phone.resumed.partition("/")[0]
        rows += [
            "root             1     0 10782828  9432 0                   0 S init",
            "system        1412   601 17213096 312004 0                  0 S system_server",
            f"u0_a145       8123   601 14520000 180204 0                  0 S {package}",
        ]
    return say(
        "\n".join([*rows, "shell         9001  8990 10797112  3164 0                   0 R ps"])
    )


def _uptime(phone: Phone, words: Words) -> Result:
    now = f"{phone.now():%H:%M:%S}"
    return say(f" {now} up 1 day,  2:03,  0 users,  load average: 1.02, 0.98, 0.95")


def _which(phone: Phone, words: Words) -> Result:
    """Where a program is; this phone keeps them all in one place."""
    known = [word for word in words if word in PROGRAMS]
    said = "".join(f"/system/bin/{word}\n" for word in known)
    return Result(said.encode(), code=int(len(known) < len(words)))


_IDENTITY = (
    "uid=2000(shell) gid=2000(shell) groups=2000(shell),1004(input),1007(log),1011(adb),"
    "1015(sdcard_rw),3003(inet) context=u:r:shell:s0"
)

COMMANDS: dict[str, Callable[[Phone, Words], Result]] = {
    "cp": _copy,
    "date": _date,
    "df": _df,
    "id": lambda phone, words: say("2000" if words == ["-u"] else _IDENTITY),
    "ip": _ip,
    "ls": _ls,
    "md5sum": _md5sum,
    "mkdir": _mkdir,
    "mv": _move,
    "ps": _ps,
    "rm": _rm,
    "stat": _stat,
    "uptime": _uptime,
    "which": _which,
}
PROGRAMS = {
    *COMMANDS,
    *("am", "cat", "cmd", "content", "dumpsys", "getprop", "grep", "input", "monkey", "pm", "sh"),
    *("screencap", "sed", "service", "settings", "svc", "uiautomator", "wc", "wm"),
}
"""What `which` finds."""

"""What programs print, read into values: pure."""

import re
from typing import NamedTuple

_MOST_APPLICATIONS = 2000
_MOST_LINES = 20_000


def fraction(text: str) -> str | None:
    """A volume of 1.0 as wpctl prints it (`Volume: 0.35 [MUTED]`), in percent."""
    found = re.search(r"Volume: (\d{1,2}(?:\.\d{1,6})?)", text)
    return str(round(float(found[1]) * 100)) if found else None


def percent(text: str) -> str | None:
    """The first percentage (pactl, amixer)."""
    found = re.search(r"\b(\d{1,3})%", text)
    return found[1] if found else None


def whole(text: str) -> str | None:
    """A whole number and nothing else (osascript)."""
    return text.strip() if re.fullmatch(r"\s*\d{1,3}\s*", text) else None


def lower(text: str) -> str:
    """A word, without case (`Playing`)."""
    return text.strip().lower()


def linux_cpu(text: str) -> float | None:
    """How busy the processors were between two `cpu` lines of /proc/stat."""
    lines = re.findall(r"^cpu +((?:\d{1,20} ?){4,10})", text, re.MULTILINE)
    if len(lines) != 2:
        return None
    before, after = ([int(number) for number in line.split()[:8]] for line in lines)
    spent = [b - a for a, b in zip(before, after, strict=False)]
    total, idle = sum(spent), sum(spent[3:5])
    return round(100 * (total - idle) / total, 1) if 0 <= idle <= total and total else None


def linux_memory(text: str) -> float | None:
    """How much of the memory is not available, from /proc/meminfo."""
    sizes = dict(re.findall(r"^(MemTotal|MemAvailable): +(\d{1,15}) kB", text, re.MULTILINE))
    if len(sizes) != 2 or not int(sizes["MemTotal"]):
        return None
    return round(100 * (1 - int(sizes["MemAvailable"]) / int(sizes["MemTotal"])), 1)


def linux_battery(text: str) -> float | None:
    """The charge of the computer's own battery, from /sys/class/power_supply; a mouse's is none."""
    found = re.findall(r"^.*/([^/\n]+)/(capacity|scope):(\w+)$", text, re.MULTILINE)
    others = {name for name, key, value in found if (key, value) == ("scope", "Device")}
    own = [value for name, key, value in found if key == "capacity" and name not in others]
    charges = [float(value) for value in own if value.isascii() and value.isdecimal()]
    return charges[0] if charges and charges[0] <= 100 else None


def number(text: str) -> float | None:
    """A percentage and nothing else."""
    value = whole(text)
    return float(value) if value else None


def disk(text: str) -> float | None:
    """How full the file system is, from `df -P`."""
    found = re.search(r"\b(\d{1,3})% /", text)
    return float(found[1]) if found else None


def macos_cpu(text: str) -> float | None:
    """How busy the processors were, from the last sample of top."""
    line = r"^CPU usage: .{0,80}?(\d{1,3}(?:\.\d{1,6})?)% idle"
    found = re.findall(line, text, re.MULTILINE)
    return round(100 - float(found[-1]), 1) if found else None


def macos_memory(text: str) -> float | None:
    """How much of the memory is in use, from memory_pressure."""
    found = re.search(r"free percentage: (\d{1,3})%", text)
    return 100.0 - float(found[1]) if found else None


def macos_battery(text: str) -> float | None:
    """The charge of the battery, from pmset."""
    found = re.search(r"\t(\d{1,3})%;", text)
    return float(found[1]) if found else None


class Application(NamedTuple):
    """One thing that can be opened: its desktop entry's id, and what it is called."""

    id: str
    name: str


def applications(text: str) -> list[Application]:
    """The applications of desktop entries that a menu shows, from lines of `FILE:KEY=VALUE`."""
    names: dict[str, str] = {}
    hidden = set()
    for line in text.splitlines()[:_MOST_LINES]:
        found = re.fullmatch(r".*/([^/:]{1,100})\.desktop:(Name|NoDisplay|Hidden)=(.{1,100})", line)
        if found and found[2] == "Name" and len(names) < _MOST_APPLICATIONS:
            names.setdefault(found[1], found[3])
        elif found and found[3].strip() == "true":
            hidden.add(found[1])
    return [Application(id, name) for id, name in names.items() if id not in hidden]

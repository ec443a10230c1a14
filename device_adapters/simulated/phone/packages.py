"""Installed packages: `pm`, `cmd package`, `monkey`, `dumpsys package`."""

from device_adapters.simulated.phone import acting, front, resolving
from device_adapters.simulated.phone.intent import LAUNCHER, MAIN, Intent, parse
from device_adapters.simulated.phone.java import JavaError
from device_adapters.simulated.phone.makers import SYSTEM
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone

FEATURES = ("android.hardware.camera", "android.hardware.bluetooth", "android.hardware.telephony")
NO_ACTIVITY = 252
"""The exit code of a monkey that found nothing to start."""

_TAKES_VALUE = ("--user", "--uid")


def command(phone: Phone, words: Words) -> Result:
    """`pm` and `cmd package`."""
    match words:
        case ["list", "packages" | "package", *options]:
            return _list(phone, options)
        case ["list", "features"]:
            return say("\n".join(f"feature:{name}" for name in FEATURES))
        case ["path", *_, name] if name in phone.packages:
            return say(f"package:{_apk(name)}")
        case ["path", *_]:
            return Result(code=1)
        case ["resolve-activity", *options]:
            return _resolve(phone, options)
        case ["query-activities", *options]:
            return _query(phone, options)
    return complain(f"Unknown command: {words[0] if words else ''}", 255)


def _apk(name: str) -> str:
    folder = "/system/priv-app" if name in SYSTEM else f"/data/app/~~b1B==/{name}-q1Q=="
    return f"{folder}/{name}/{name}.apk" if name in SYSTEM else f"{folder}/base.apk"


def _list(phone: Phone, options: Words) -> Result:
    """`-3` without the system's, `-s` only those, `-f` with files; then a part of the name."""
    names, part, rest = sorted(phone.packages), "", iter(options)
    for option in rest:
        if option in _TAKES_VALUE:
            next(rest, None)
        elif option in ("-3", "-s"):
            names = [name for name in names if (name in SYSTEM) == (option == "-s")]
        elif not option.startswith("-"):
            part = option
    whole = "-f" in options
    found = [name for name in names if part in name]
    return say("\n".join(f"package:{_apk(n) + '=' if whole else ''}{n}" for n in found))


def _intent(options: Words) -> tuple[Intent, bool]:
    """An intent, and whether the answer is to be short."""
    rest = [word for word in options if word not in ("--brief", "--components")]
    return parse(rest), len(rest) < len(options)


def _resolve(phone: Phone, options: Words) -> Result:
    try:
        intent, brief = _intent(options)
    except JavaError as exc:
        return complain(f"\nException occurred while executing 'resolve-activity':\n{exc}", 255)
    found = resolving.candidates(phone, intent)
    if not found:
        return say("No activity found")
    head = "priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=true"
    if brief:
        return say(f"{head}\n{found[0]}")
    return say("\n".join([head, *_details(found[0])]))


def _details(component: str) -> list[str]:
    package, _, name = component.partition("/")
    whole = package + name if name.startswith(".") else name
    return ["ActivityInfo:", f"  name={whole}", f"  packageName={package}", "  enabled=true"]


def _query(phone: Phone, options: Words) -> Result:
    """All the activities that take an intent; of the launcher's, one a package."""
    try:
        intent, brief = _intent(options)
    except JavaError as exc:
        return complain(f"\nException occurred while executing 'query-activities':\n{exc}", 255)
    found = list(resolving.candidates(phone, intent))
    if intent.action == MAIN and LAUNCHER in (intent.categories or ()) and not intent.package:
        opened = [front.launcher(phone, name) for name in sorted(phone.packages)]
        found = [one for one in opened if one]
    if not found:
        return say("No activities found")
    lines = [f"{len(found)} activities found:"]
    for number, one in enumerate(found):
        lines.append(f"  Activity #{number}:")
        lines += [f"    {one}"] if brief else [f"    {line}" for line in _details(one)]
    return say("\n".join(lines))


def monkey(phone: Phone, words: Words) -> Result:
    """`monkey -p PACKAGE -c CATEGORY 1` opens the package's activity of that category."""
    pairs = dict(zip(words, [*words[1:], ""], strict=True))
    package, category = pairs.get("-p", ""), pairs.get("-c", LAUNCHER)
    echoed = "".join(f"  bash arg: {word}\n" for word in words)
    opened = front.launcher(phone, package) if category == LAUNCHER else None
    if opened is None:
        said = f"{echoed}** No activities found to run, monkey aborted.\n"
        return Result(said.encode(), code=NO_ACTIVITY)
    intent = Intent(action=MAIN, categories=[LAUNCHER], package=package)
    phone.intents.append(opened)
    phone.soon(lambda: acting.act(phone, intent, opened))
    said = "Events injected: 1\n## Network stats: elapsed time=26ms (0ms mobile, 0ms wifi, 26ms not"
    return Result(f"{echoed}{said} connected)\n".encode())


def dump(phone: Phone, words: Words) -> str:
    """`dumpsys package`: all, or one; the shell's has its permissions."""
    names = [word for word in words if not word.startswith("-")]
    known = [name for name in names if name in phone.packages] or sorted(phone.packages)
    if names and names[0] not in phone.packages:
        return f"Unable to find package: {names[0]}"
    lines = ["Packages:"]
    for name in known:
        lines += [
            f"  Package [{name}] (7a1b2c3):",
            f"    userId={2000 if name == 'com.android.shell' else 10145}",
            f"    pkg=Package{{4d5e6f7 {name}}}",
            f"    codePath={_apk(name).rpartition('/')[0]}",
            f"    versionCode=340000000 minSdk=29 targetSdk={phone.sdk}",
            f"    versionName={phone.release}",
            "    signatures=PackageSignatures{a1b2c3d version:3, signatures:[d9a0c3e1], past "
            "signatures:[]}",
            "    flags=[ SYSTEM HAS_CODE ]",
            "    pkgFlags=[ SYSTEM HAS_CODE ]",
            "    firstInstallTime=2009-01-01 00:00:00",
            "    lastUpdateTime=2025-12-01 08:00:00",
            "    User 0: ceDataInode=1234 installed=true hidden=false suspended=false "
            f"stopped={str(name in phone.stopped).lower()} enabled=0",
        ]
        if name == "com.android.shell":
            lines += ["      runtime permissions:"]
            lines += [
                f"        android.permission.{permission}: granted={str(given).lower()}"
                for permission, given in phone.permissions.items()
            ]
    return "\n".join(lines)

"""The `am` command: starting activities, sending broadcasts, stopping packages.

Its words are those of AOSP's ActivityManagerShellCommand: until sdk 33 a failure exits 0, and is
said on stdout with -W and on stderr without.
"""

from collections.abc import Callable

from device_adapters.simulated.phone import acting, clock, front, resolving
from device_adapters.simulated.phone.intent import Intent, link, parse
from device_adapters.simulated.phone.java import JavaError
from device_adapters.simulated.phone.makers import label
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import Dialog

RESOLVER = "android/com.android.internal.app.ResolverActivity"
EXITS_1 = 34
"""The first sdk whose failures exit 1."""

DELIVERED = (
    "Warning: Activity not started, intent has been delivered to currently running top-most "
    "instance.\n"
)
PROTECTED = (
    "android.intent.action.AIRPLANE_MODE",
    "android.intent.action.BATTERY_LOW",
    "android.intent.action.BOOT_COMPLETED",
)
_MASKED = ("tel", "sip", "sms", "smsto", "mailto", "nfc")


def run(phone: Phone, words: Words) -> Result:
    """The `am` command; a bad intent ends as an uncaught Java exception does."""
    command = _COMMANDS.get(words[0]) if words else None
    if command is None:
        return complain(f"Unknown command: {words[0] if words else ''}", 255)
    try:
        return command(phone, words[1:])
    except JavaError as exc:
        return complain(f"\nException occurred while executing '{words[0]}':\n{exc}", 255)


def _start(phone: Phone, words: Words) -> Result:
    return start(phone, parse(words))


def start(phone: Phone, intent: Intent) -> Result:
    """Start what takes the intent."""
    said = f"Starting: {describe(intent)}\n"
    if intent.stop_first and intent.component:
        _force_stop(phone, [intent.component.partition("/")[0]])
    found = resolving.candidates(phone, intent)
    if not found:
        return _failed(phone, intent, said)
    if intent.action == acting.CALL and not phone.permissions["CALL_PHONE"]:
        raise JavaError(
            "java.lang.SecurityException",
            f"Permission Denial: starting {describe(intent)} from null (pid=4711, uid=2000) "
            "requires android.permission.CALL_PHONE",
        )
    phone.intents.append(intent.data or found[0])
    component = _which(phone, intent, found)
    again = component == phone.resumed and not _unseen(phone, intent)
    if component == RESOLVER:
        _ask_which(phone, intent, found)
    else:
        phone.soon(lambda: acting.act(phone, intent, component))
    return _started(phone, intent, said, component, again=again)


def _started(phone: Phone, intent: Intent, said: str, component: str, *, again: bool) -> Result:
    """What is said of a start; `again`: the activity was in front already."""
    warning = DELIVERED if again else ""
    if not intent.wait:
        return Result(said.encode(), warning.encode())
    status = "timeout" if phone.manners.start_times_out else "ok"
    launch, times = "COLD", "TotalTime: 412\nWaitTime: 420"
    if again:
        launch, times = "UNKNOWN (0)", "WaitTime: 12"
    waited = f"Status: {status}\nLaunchState: {launch}\nActivity: {component}\n{times}\nComplete\n"
    if phone.sdk < EXITS_1:
        return Result((said + warning + waited).encode())
    return Result((said + waited).encode(), warning.encode())


def _unseen(phone: Phone, intent: Intent) -> bool:
    """Whether the intent is done without showing anything."""
    return intent.flag(acting.EXTRA + "SKIP_UI") and phone.manners.clock_saves


def _failed(phone: Phone, intent: Intent, said: str) -> Result:
    error = f"Error: Activity not started, unable to resolve {describe(intent)}\n"
    if intent.component:
        name = f"{{{intent.component}}}"
        error = f"Error type 3\nError: Activity class {name} does not exist.\n"
    if phone.sdk >= EXITS_1:
        return Result(said.encode(), error.encode(), 1)
    if intent.wait:
        return Result((said + error).encode())
    return Result(said.encode(), error.encode())


def _which(phone: Phone, intent: Intent, found: tuple[str, ...]) -> str:
    """The one that starts: the preferred, or Android's own question."""
    sure = len(found) == 1 or intent.package or intent.component or resolving.owned(phone, intent)
    return found[0] if sure or not phone.manners.asks_which else RESOLVER


def _ask_which(phone: Phone, intent: Intent, found: tuple[str, ...]) -> None:
    def choice(component: str) -> Callable[[], None]:
        def choose() -> None:
            phone.dialog = None
            acting.act(phone, intent, component)

        return choose

    buttons = tuple((label(one.partition("/")[0]), choice(one)) for one in found)
    phone.soon(lambda: front.ask(phone, Dialog(RESOLVER, "Open with", buttons)))


def _broadcast(phone: Phone, words: Words) -> Result:
    """Nobody listens; what only the system may say is denied."""
    intent = parse(words)
    if intent.action in PROTECTED:
        raise JavaError(
            "java.lang.SecurityException",
            f"Permission Denial: not allowed to send broadcast {intent.action} from pid=8123, "
            "uid=2000",
        )
    intent.flags |= 0x400000
    return say(f"Broadcasting: {describe(intent)}\nBroadcast completed: result=0")


def _service(phone: Phone, words: Words) -> Result:
    """No app of this phone has a service that the shell may start."""
    intent = parse(words)
    error = "Error: Not found; no service started.\n"
    return Result(f"Starting service: {describe(intent)}\n".encode(), error.encode(), 255)


def _force_stop(phone: Phone, words: Words) -> Result:
    """Silent, whether there is such a package or not."""
    if not words:
        raise JavaError("java.lang.IllegalArgumentException", 'Argument expected after "null"')
    package = words[-1]
    if package == clock.package(phone):
        clock.stop(phone)
    phone.stopped.add(package)
    if phone.resumed.partition("/")[0] == package:
        phone.resumed, phone.draft, phone.dialog = phone.maker.home, None, None
    return Result()


def _stack(phone: Phone, words: Words) -> Result:
    """The tasks, as `am stack list` shows them."""
    package, _, name = phone.resumed.partition("/")
    whole = package + name if name.startswith(".") else name
    kind = "Stack id" if phone.sdk < 31 else "RootTask id"
    return say(
        f"{kind}=42 bounds=[0,0][1080,2400] displayId=0 userId=0\n"
        f"  taskId=42: {phone.resumed} bounds=[0,0][1080,2400] userId=0 visible=true "
        f"topActivity=ComponentInfo{{{package}/{whole}}}"
    )


_COMMANDS: dict[str, Callable[[Phone, Words], Result]] = {
    "start": _start,
    "start-activity": _start,
    "broadcast": _broadcast,
    "startservice": _service,
    "start-service": _service,
    "start-foreground-service": _service,
    "force-stop": _force_stop,
    "get-current-user": lambda phone, words: say("0"),
    "stack": _stack,
}


def describe(intent: Intent) -> str:
    """An intent as Android prints it; what may be private is left out."""
    parts = []
    if intent.action:
        parts.append(f"act={intent.action}")
    if intent.categories:
        parts.append(f"cat=[{','.join(intent.categories)}]")
    if intent.data:
        parts.append(f"dat={_safe(intent.data)}")
    if intent.type:
        parts.append(f"typ={intent.type}")
    if intent.flags:
        parts.append(f"flg={intent.flags:#x}")
    if intent.package:
        parts.append(f"pkg={intent.package}")
    if intent.component:
        parts.append(f"cmp={intent.component}")
    if intent.extras:
        parts.append("(has extras)")
    return f"Intent {{ {' '.join(parts)} }}"


def _safe(uri: str) -> str:
    """A URI as Uri.toSafeString leaves it."""
    parts = link(uri)
    if parts.scheme in _MASKED:
        hidden = "".join(one if one in "-@." else "x" for one in uri.partition(":")[2])
        return f"{parts.scheme}:{hidden}"
    return f"{parts.scheme}:{'//' + parts.netloc if parts.netloc else ''}/..."

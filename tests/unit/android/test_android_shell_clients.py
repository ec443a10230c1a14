"""Lines that clients send: the simulated shell and toybox's filters against the real ones."""

import random
import shutil
from pathlib import Path

import pytest
from androidtv import constants

from device_adapters.simulated.phone.files import Files
from device_adapters.simulated.phone.mksh import SHELL, Shell, filters
from device_adapters.simulated.phone.result import Result, Words, complain
from tests.unit.android.mksh_kit import Ran, judged, needs_mksh, ran

needs_toybox = pytest.mark.skipif(shutil.which("toybox") is None, reason="toybox is not installed")

ACTIVITY = "ActivityRecord{8b1d2e3 u0 com.google.android.youtube.tv/.MainActivity t42}"
DUMPS = {
    "power": "Power Manager State:\n  mWakefulness=Awake\n  Wake Locks: size=2\n"
    "Display Power: state=ON\n",
    "audio": "- STREAM_MUSIC:\n   Muted: false\n   Min: 0\n   Current: 2 (speaker): 11\n"
    "  12-24 10:00:01 player piid:7 event:started\n  12-24 10:00:02 player piid:9 state:paused x\n"
    "  players:\n  ID:7 u/pid:1 state:started attr\n",
    "window": f"  mCurrentFocus=Window{{1f2 u0 com.a.b/com.a.b.Main}}\n  mFocusedApp={ACTIVITY}\n"
    "  mInputMethodTarget=Window{77 u0 com.c.d/.E}\n  imeLayeringTarget in display# 0 Window{77 u0 "
    "com.c.d/.E}\n  imeControlTarget in display# 0 Window{78 u0 com.x/.Y}\n",
    "activity": f"  mResumedActivity: {ACTIVITY}\n ExternalTvInputService/HW5\n",
    "media_session": "Sessions Stack - have 2 sessions:\n  com.a.b/tag\n    x=1\n"
    "    state=PlaybackState {state=3, position=0}\n  other/tag\n"
    "    state=PlaybackState {state=2, position=0}\n",
    "tv_input": "  ResourceClientProfile {hdmi_port=3}\n",
    "display": "mScreenState=OFF\n",
}
ANDROIDTV = {
    name: value
    for name, value in vars(constants).items()
    if name.startswith("CMD_") and not name.startswith(("CMD_SUCCESS", "CMD_PARSE"))
}
LINES = (
    "ps || ps -A",
    "getprop ro.build.version.sdk; echo X4EXIT:$?",
    "dumpsys nothing >/dev/null 2>&1; echo X4EXIT:$?",
    "monkey -p com.a -c b 1; echo $?",
    "(dumpsys power | grep -q Awake && echo -e '1\\c') || echo -e '0\\c'",
    "if [ -z \"$(dumpsys power | grep Asleep)\" ]; then echo awake; else echo asleep; fi",
    "if dumpsys power | grep -q Asleep; then echo a\nelif [[ x = [w-y]* ]]; then echo b\nfi",
    "A=1 B=\"a  b\" && echo $A $B \"$B\" # and a comment",
    "export X='a b' Y; echo \"$X\" $Y${X#a}; exit 7; echo never",
    "echo $'it\\'s\\t\\x41\\u20ac' \"a\\\nb\" 'c\nd' e\\\nf",
    "{ echo a; both; } 2>&1 | head -1",
    "both 2>&1 >/dev/null | tr r R; both >/dev/null; echo $?",
    "! true || { false; echo $?; } && (exit 4); echo $?",
    "echo 'a:b:c' | cut -d: -f2; echo one two | wc -w; echo abc | tr a-b xy",
    "dumpsys audio | sed -n '2p' ; dumpsys audio | tail -n +3 | head -n 2",
    "x=$(echo a; exit 3); echo $x $?; x=$(nosuch 2>/dev/null) || echo $?",
    "nosuch; echo $?; '' ; echo $?; [ a = b c ]; echo $?; [ -n a ] && [ ! -z a ] && echo y",
    "true |", "echo a &&", "(echo a", "if true; then echo a", "echo 'a", "echo ; ; echo", "fi",
    "echo a; )", "{ echo a", "&& echo", "echo $(echo a", "echo a >", "if ; then echo; fi",
)  # fmt: skip


def program(words: Words, stdin: bytes) -> Result:
    """The phone's commands: what is not canned says its own words."""
    match words:
        case ["dumpsys", part, *_] if part in DUMPS:
            return Result(DUMPS[part].encode())
        case ["both"]:
            return Result(b"out\n", b"err\n", 3)
        case ["", *_]:
            return Result(code=126)
        case ["dumpsys" | "nosuch", *_]:
            return complain(f"{SHELL}: {words[0]}: inaccessible or not found", 127)
        case [name, *rest] if name in filters.FILTERS:
            return filters.run(name, rest, lambda _: stdin)
    return Result((" ".join(words) + "\n").encode())


STUBS = (
    "dumpsys() { case $1 in\n"
    + "\n".join(f"{name}) print -r -- '{text[:-1]}' ;;" for name, text in DUMPS.items())
    + "\n*) return 127 ;; esac; }\n"
    + "\n".join(
        f'{name}() {{ print -r -- {name} "$@"; }}'
        for name in ("input", "monkey", "getprop", "pm", "ps", "ip", "media", "cmd")
    )
)


def simulated(line: str) -> Ran:
    return ran(Shell(program, Files(), {"HOME": "/"}).run(line))


def toybox(folder: Path) -> str:
    """A folder with toybox's filters, for `PATH`."""
    programs = folder / "programs"
    programs.mkdir()
    for name in ("grep", "head", "tail", "cut", "sed", "wc", "cat"):
        (programs / name).symlink_to(shutil.which("toybox") or "")
    (programs / "tr").symlink_to(shutil.which("tr") or "")
    return str(programs)


@needs_mksh
@needs_toybox
def test_lines_that_clients_send(tmp_path: Path) -> None:
    tried = [line.format("com.a.b") if "{0}" in line else line for line in ANDROIDTV.values()]
    tried = [line.replace("{}", "5") for line in (*tried, *LINES)]
    theirs = judged(tried, tmp_path, STUBS, toybox(tmp_path))
    ours = [simulated(line) for line in tried]
    assert list(zip(tried, ours, strict=True)) == list(zip(tried, theirs, strict=True))
    assert len(tried) > 60


FILTERS = (
    "grep a", "grep -v a", "grep -c a", "grep -q zz", "grep -i AB", "grep -E 'a|b+'", "grep 'a|b'",
    "grep -o 'b*'", "grep -E -o '(a|ab)(c|bcd)?'", "grep -n -A 1 a", "grep -m 1 b",
    "grep -x ab", "grep -F 'a.b'", "grep 'a.b'", "grep '^a'", "grep 'b$'", "grep '[[:digit:]]'",
    r"grep 'a\.b'", "grep -E 'a{2}'", "grep 'a{2}'", r"grep 'a\{2\}'", "grep '[^a]b'", "grep -e b",
    "grep ''", "grep", "grep '*a'", r"grep '[.]'", "grep -A 2 -m 1 a", r"grep '\- '",
    "head -1", "head -n 3", "head -c 5", "tail -1", "tail -n 2", "tail -n +2", "cut -d: -f2",
    "cut -d: -f2-", "cut -d' ' -f1", "cut -f1", "wc -l", "wc -w", "wc -c", "cat", "tr a-c x",
    r"tr -d '\n'", "tr : ' '", "sed -n '2p'", "sed -n '$p'", "sed -n '/a/p'", "sed 's/a/X/'",
    "sed 's/a/X/g'", "sed '/a/d'", "sed -r -n '/(a|b)/h; ${x;p;}'", r"sed 's/\./-/g'", "sed '1d'",
    "sed -n '/b/{p;p}'",
)  # fmt: skip


@needs_mksh
@needs_toybox
def test_filters(tmp_path: Path) -> None:
    chance = random.Random(5)
    texts = ["", "ab\n", "a:b c:d\nx y\n"]
    for _ in range(12):  # toybox loses single characters in `cut`, and é in `grep`
        words = ["".join(chance.choices("aabbcd.:2 A-", k=chance.randint(2, 6))) for _ in range(8)]
        texts.append("\n".join(words) + "\n")
    (tmp_path / "texts").mkdir()
    lines, ours = [], []
    for number, text in enumerate(texts):
        (tmp_path / "texts" / str(number)).write_text(text)
        lines += [f"{line} < texts/{number}" for line in FILTERS]
        ours += [filtered(line, text) for line in FILTERS]
    theirs = judged(lines, tmp_path, path=toybox(tmp_path))
    both = zip(lines, ours, theirs, strict=True)
    assert [(line, us, they) for line, us, they in both if us != they] == []


def filtered(line: str, text: str) -> Ran:
    """A filter of the simulated phone, on a text."""

    def run(words: Words, stdin: bytes) -> Result:
        return filters.run(words[0], words[1:], lambda _: stdin)

    files = Files()
    files.write("/sdcard/text", text.encode())
    return ran(Shell(run, files).run(f"{line} < /sdcard/text"))

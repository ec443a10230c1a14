"""The phone's shell: its own words, what it refuses, and where its outputs go."""

import shlex
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_adapters.simulated.phone import Phone, shell
from device_adapters.simulated.phone.provider import Provider
from device_adapters.simulated.phone.result import Result
from tests.unit.android.mksh_kit import simulated, split

WORDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))


@pytest.fixture
def phone() -> Iterator[Phone]:
    with closing(Provider()) as provider:
        yield Phone(provider=provider)


def said(result: Result) -> tuple[str, str, int]:
    return result.stdout.decode(), result.stderr.decode(), result.code


@given(WORDS)
def test_quoted_words_come_apart_as_they_were(words: list[str]) -> None:
    result = simulated(shlex.join(["args", *words]))
    assert split([result.stdout]) == [words]


@pytest.mark.parametrize(
    ("line", "stdout", "code"),
    [
        ("echo a; echo b", "a\nb\n", 0),
        ("false && echo a || echo b", "b\n", 0),
        ('echo "a \\"b\\"" c\\ d', 'a "b" c d\n', 0),
        ("echo ';' '&&'", "; &&\n", 0),
        ("echo $HOME $EXTERNAL_STORAGE $nothing.", "/ /sdcard .\n", 0),
        ("getprop ro.serialno | grep -c SIM; echo $?", "1\n0\n", 0),
        ("/system/bin/getprop ro.serialno", "SIM0001\n", 0),
        ("echo hi > /sdcard/x; echo there >> /sdcard/x; cat /sdcard/x", "hi\nthere\n", 0),
        ("echo /sdcard/DC*/C*", "/sdcard/DCIM/Camera\n", 0),
        ("cat < /sdcard/none", "", 1),
        ("echo x > /system/x", "", 1),
        ("nosuch", "", 127),
        ("/sdcard", "", 126),
    ],
)
def test_lines(phone: Phone, line: str, stdout: str, code: int) -> None:
    result = said(shell.run(phone, line))
    assert (result[0], result[2]) == (stdout, code)


@pytest.mark.parametrize(
    "line",
    [
        "echo `id`", "echo $((1+1))", "echo $1", "echo $$", "echo ~", "echo {a,b}", "for a in b",
        "while true; do :; done", "case a in a) ;; esac", "f() { :; }", "a=(b)", "a+=b", "cat <<x",
        "cd /", "eval echo", "set -e", "echo ${x:-y}", "echo ${#x}", "echo $(<x)", "[[ a && b ]]",
        "[ a -a b ]", "echo a | grep -P a", "echo a | sed y/a/b/", "echo 3>&4", "((1))", "time :",
    ],
)  # fmt: skip
def test_what_is_not_simulated_is_refused_and_not_guessed(phone: Phone, line: str) -> None:
    stdout, stderr, code = said(shell.run(phone, f"echo before\n{line}"))
    assert (stdout, code) == ("before\n", 2)
    assert "not simulated" in stderr


@pytest.mark.parametrize("line", ["echo 'a", "echo |", "&& echo", "fi", "(echo", "echo a; ;", ")"])
def test_what_is_no_line_runs_nothing(phone: Phone, line: str) -> None:
    stdout, stderr, code = said(shell.run(phone, f"wm size; {line}"))
    assert (stdout, code, phone.commands) == ("", 1, [])
    assert stderr.startswith("/system/bin/sh: ")


def test_a_line_that_does_not_end_in_brackets_ends(phone: Phone) -> None:
    for line in ("echo " + "$(" * 5000, "(" * 5000, "if " * 5000, "! " * 5000):
        assert shell.run(phone, line).code in (1, 2)


def test_every_command_of_the_phone_is_noted(phone: Phone) -> None:
    shell.run(phone, "x=$(getprop ro.serialno | head -1) && input keyevent 3")
    assert phone.commands == [
        ("getprop", "ro.serialno"),
        ("head", "-1"),
        ("input", "keyevent", "3"),
    ]

"""Words reach a shell, an SQL condition and a URI byte for byte, and never get out of them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks import quoting as bench
from device_adapters.adb import quoting
from schemas.errors import DeviceRefused
from tests.unit.android.mksh_kit import needs_mksh, simulated, split

TEXTS = list(bench.texts(800, seed=7))
SENDABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.mark.parametrize("program", ["sh", pytest.param("mksh", marks=needs_mksh)])
def test_real_shells_get_every_word_unchanged(program: str) -> None:
    assert bench.through_shell(program, TEXTS) == bench.Tried(program, 800, 800, 0)


@pytest.mark.parametrize("place", [bench.through_simulated, bench.through_sql, bench.through_uri])
def test_nothing_gets_out_of_its_place(place: bench.Through) -> None:
    tried = place(TEXTS)
    assert (tried.identical, tried.injections) == (800, 0)


@given(st.lists(SENDABLE))
@example(["\x01\x1b\r\n\t\x7f\x85\u2028", "\u202eשלום", "👩\u200d👧🏽", "-n", "--", "", "~", "a=b"])
def test_the_phone_gets_every_word_unchanged(words: list[str]) -> None:
    assert split([simulated(quoting.line("args", *words)).stdout]) == [words]


def test_bad_quoting_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quoting, "line", lambda *words: f"printf '%s\\0' {' '.join(words[2:])}")
    monkeypatch.setattr(quoting, "part", str)
    harmless = [f"a{escape}".format(bench.COMMAND) for escape in bench.ESCAPES]
    for text in ("a; echo x>canary", "$(echo x>canary)", "a\necho x>canary\n", "a b"):
        assert bench.through_shell("sh", [text]).injections == 1
    assert bench.through_uri(harmless).injections > 5


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("a\0b", "NUL"),
        ("\0", "NUL"),
        ("\ud83d", "half a character"),
        ("漢\udfff", "half a character"),
    ],
)
def test_what_cannot_be_sent_is_refused(word: str, reason: str) -> None:
    for place in (quoting.line, quoting.part):
        with pytest.raises(DeviceRefused, match=reason):
            place(word)
    with pytest.raises(DeviceRefused, match=reason):
        quoting.line("content", "query", "--where", f"body={quoting.sql(word)}")


@pytest.mark.parametrize("word", ["x" * 200_000, "'" * 40_000, "漢" * 50_000])
def test_a_text_that_no_phone_takes_is_refused_in_one_line(word: str) -> None:
    with pytest.raises(DeviceRefused, match=r"^the text is too long for a phone: \d+ of 131 kB$"):
        quoting.line("echo", word)


def test_the_longest_line_is_sent() -> None:
    assert len(quoting.line("echo", "x" * (quoting.LONGEST_LINE - 5))) == quoting.LONGEST_LINE


def test_sql_and_uri() -> None:
    assert quoting.sql("O'Neil' OR 1=1 --") == "'O''Neil'' OR 1=1 --'"
    assert quoting.part("a&b=c/d?#ü") == "a%26b%3Dc%2Fd%3F%23%C3%BC"

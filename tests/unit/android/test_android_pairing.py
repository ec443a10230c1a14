"""The password exchange of pairing, without a connection. adb 36 itself is asked elsewhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_adapters.simulated.phone.adbd import spake2
from device_adapters.simulated.phone.adbd.spake2 import (
    ALICE,
    BASE,
    BOB,
    ORDER,
    NotAPointError,
    Spake2,
)


def test_the_two_masks_are_those_that_boringssl_publishes() -> None:
    assert spake2.encode(spake2.M) == bytes.fromhex(
        "5ada7e4bf6ddd9adb6626d32131c6b5c51a1e347a3478f53cfcf441b88eed12e"
    )
    assert spake2.encode(spake2.N) == bytes.fromhex(
        "10e3df0ae37d8e7a99b5fe74b44672103dbddcbd06af680d71329a11693bc778"
    )


def test_the_base_point_has_the_published_order() -> None:
    nothing = spake2.encode(spake2.NEUTRAL)
    assert spake2.encode(spake2.times(ORDER, BASE)) == nothing
    assert spake2.encode(spake2.add(BASE, spake2.negative(BASE))) == nothing
    assert spake2.encode(spake2.times(ORDER - 1, BASE)) == spake2.encode(spake2.negative(BASE))


@settings(deadline=None)
@given(st.integers(0, 2**256), st.integers(0, 2**256))
def test_numbers_add_as_their_points_do(a: int, b: int) -> None:
    both = spake2.add(spake2.times(a, BASE), spake2.times(b, BASE))
    assert spake2.encode(both) == spake2.encode(spake2.times(a + b, BASE))
    assert spake2.encode(spake2.decode(spake2.encode(both))) == spake2.encode(both)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=80), st.binary(min_size=1, max_size=80))
def test_only_the_same_password_gives_the_same_key(one: bytes, other: bytes) -> None:
    computer, phone = Spake2(ALICE, one), Spake2(BOB, other)
    ours, theirs = computer.key(phone.message), phone.key(computer.message)
    assert len(ours) == len(theirs) == 64
    assert (ours == theirs) is (one == other)


def test_two_exchanges_have_nothing_in_common() -> None:
    first, second = Spake2(BOB, b"123456"), Spake2(BOB, b"123456")
    assert first.message != second.message
    hello = Spake2(ALICE, b"123456").message
    assert first.key(hello) != second.key(hello)


@settings(deadline=None)
@given(st.binary(max_size=40) | st.binary(min_size=32, max_size=32))
def test_what_is_no_point_is_refused(message: bytes) -> None:
    try:
        point = spake2.decode(message)
    except NotAPointError:
        with pytest.raises(NotAPointError):
            Spake2(BOB, b"123456").key(message)
    else:
        x, y = point[0], point[1]
        assert (y * y - x * x - 1 - spake2.D * x * x * y * y) % spake2.P == 0
        assert len(Spake2(BOB, b"123456").key(message)) == 64

"""Numbers, rows and scales."""

import pytest

from device_adapters.android import people
from device_adapters.android.content import read_rows
from device_adapters.android.filling import Template
from schemas.errors import DeviceRefused


@pytest.mark.parametrize("number", ["112", "911", "+1911", "1 1 2", "+49110", "*21*5#", "5;ext=1"])
def test_numbers_the_hub_does_not_call(number: str) -> None:
    with pytest.raises(DeviceRefused):
        people.callable_number(number)


@pytest.mark.parametrize(
    ("said", "number"),
    [("+4915112345678", "+4915112345678"), ("(0151) 123-456", "0151123456")],
)
def test_numbers_the_hub_calls(said: str, number: str) -> None:
    assert people.callable_number(said) == number


def test_rows() -> None:
    text = "Row: 0 _id=1, body=a, b=c\nsecond line\nRow: 1 _id=2, body=\n"
    assert read_rows(text, ("_id", "body")) == [("1", "a, b=c\nsecond line"), ("2", "")]
    assert read_rows("No result found.\n", ("_id",)) == []


@pytest.mark.parametrize("text", ["", "Error while accessing provider", "Row: 0 other=1\n"])
def test_what_is_no_row_is_refused(text: str) -> None:
    with pytest.raises(DeviceRefused):
        read_rows(text, ("_id", "body"))


SCALED = Template("{level | scale lowest highest}")
LEVEL = Template("{index | level lowest highest}")


@pytest.mark.parametrize(
    ("level", "lowest", "highest", "index"),
    [(0, 0, 7, 0), (10, 0, 7, 7), (5, 0, 15, 8), (0, 1, 7, 1), (1, 0, 7, 1), (4, 0, 255, 102)],
)
def test_scales(level: int, lowest: int, highest: int, index: int) -> None:
    assert SCALED.value({"level": level, "lowest": lowest, "highest": highest}) == index


@pytest.mark.parametrize(("lowest", "highest"), [(0, 7), (1, 7), (0, 15), (0, 25), (0, 255)])
def test_a_level_is_read_back_as_it_was_set(lowest: int, highest: int) -> None:
    ends = {"lowest": lowest, "highest": highest}

    def scaled(level: object) -> int:
        return int(str(SCALED.value({"level": int(str(level)), **ends})))

    def level_of(index: int) -> object:
        return LEVEL.value({"index": index, **ends})

    for level in range(11):
        assert scaled(level_of(scaled(level))) == scaled(level)
    for index in range(lowest, highest + 1):
        assert abs(scaled(level_of(index)) - index) <= (highest - lowest) / 20 + 0.5

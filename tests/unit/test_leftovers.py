"""A number that nothing explains is no small matter."""

import pytest

from orchestrator import leftovers


@pytest.mark.parametrize(
    ("sentence", "explained", "names", "left"),
    [
        ("volume eight on second thoughts five", ("eight",), (), "5"),
        ("set the volume to 3 maybe 4", ("3",), (), "4"),
        ("set the volume to 3", ("3",), (), None),
        ("turn on the no. 2 lamp", ("no. 2 lamp",), (), None),
        ("set the volume on the Pixel 8 to 3", ("3",), (), None),
        ("set the volume on pixel 8 to 3", ("3",), ("Pixel 8",), None),
        ("set the volume on pixel 8 to 3", ("3",), (), "8"),
        ("turn on Lamp 11", (), ("Lamp 1", "Lamp 11"), None),
        ("set the brightness to 5 on Phone 57", ("5",), ("Phone 57",), None),
        ("lock the ID.4", (), (), None),
        ("call this one", (), (), None),
        ("next song, this ones rubbish", (), (), None),
        ("mail bob2@x.com hello", ("hello",), (), None),
    ],
)
def test_what_is_left(
    sentence: str, explained: tuple[str, ...], names: tuple[str, ...], left: str | None
) -> None:
    assert leftovers.number(sentence, explained, names) == left

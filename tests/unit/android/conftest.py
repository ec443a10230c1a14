"""A simulated phone without its connection: only what its commands say and do."""

from collections.abc import Callable, Iterator

import pytest

from device_adapters.simulated.phone import Phone
from tests.unit.android.userspace_kit import NOON

NewPhone = Callable[..., Phone]


@pytest.fixture
def new_phone() -> Iterator[NewPhone]:
    """Makes phones whose clock stands still at noon."""
    made: list[Phone] = []

    def make(**fields: object) -> Phone:
        phone = Phone(**{"clock": lambda: NOON, **fields})  # type: ignore[arg-type]
        made.append(phone)
        return phone

    yield make
    for phone in made:
        phone.provider.close()


@pytest.fixture
def phone(new_phone: NewPhone) -> Phone:
    """A Pixel that behaves."""
    return new_phone()

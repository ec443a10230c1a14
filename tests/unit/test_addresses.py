"""What devices open when a person names a web page."""

import pytest

from device_adapters.addresses import web_page
from schemas.errors import DeviceRefused


@pytest.mark.parametrize(
    ("said", "opened"),
    [
        ("example.com", "https://example.com"),
        ("example.com:8080/a?b=c", "https://example.com:8080/a?b=c"),
        ("http://192.168.1.4/", "http://192.168.1.4/"),
        ("HTTPS://Example.org", "HTTPS://Example.org"),
    ],
)
def test_a_page_said_without_a_scheme_is_opened_safely(said: str, opened: str) -> None:
    assert web_page(said) == opened


@pytest.mark.parametrize("said", ["file:///etc/passwd", "content://sms/inbox", "https://", "[x"])
def test_what_is_no_web_page_is_refused(said: str) -> None:
    with pytest.raises(DeviceRefused, match="is not a web page"):
        web_page(said)

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
        ("http://nas/", "http://nas/"),
        ("localhost:8080", "https://localhost:8080"),
        ("HTTPS://Example.org", "HTTPS://Example.org"),
    ],
)
def test_a_page_said_without_a_scheme_is_opened_safely(said: str, opened: str) -> None:
    assert web_page(said) == opened


@pytest.mark.parametrize(
    "said",
    ["file:///etc/passwd", "file:/etc/passwd.txt", "content://sms/inbox", "mailto:a@b.com", "https://",
     "tel:911.x", "tel:112", "http:/example.com", "javascript:alert(1).x", "example.com:99999",
     "..", "[x"],
)  # fmt: skip
def test_what_is_no_web_page_is_refused(said: str) -> None:
    with pytest.raises(DeviceRefused, match="is not a web page"):
        web_page(said)

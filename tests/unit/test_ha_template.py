"""Home Assistant's templates: what publishers use works, what could hurt is refused."""

from __future__ import annotations

import pytest

from device_adapters.ha_template import BadTemplateError, read, render


@pytest.mark.parametrize(
    ("template", "payload", "expected"),
    [
        ("{{ value_json.state }}", '{"state": "ON"}', "ON"),
        ("{{ value_json.get('percent')}}", '{"percent": 12.5}', "12.5"),
        ("{{ value_json.get('sda1', {}).get('percent') }}", '{"sda1": {"percent": 71}}', "71"),
        ("{{ value_json['a b'][0] }}", '{"a b": [7]}', "7"),
        ("{{ value | float * 2 }}", "1.5", "3.0"),
        ("{{ (value | float(0) - 32) / 1.8 | round(1) }}", "32", "0.0"),
        ("{{ value | replace(',', '.') }}", "1,5", "1.5"),
        ("{{ value.replace(',', '.').upper() }}", "a,b", "A.B"),
        ("{% if value == '1' %}ON{% else %}OFF{% endif %}", "1", "ON"),
        ("{{ value_json | tojson }}", '{"a": [1]}', '{"a": [1]}'),
        ("{{ iif(value_json.on, 'ON', 'OFF') }}", '{"on": false}', "OFF"),
        ("{{ 'none' if value_json is not defined else 1 }}", "no json", "none"),
        ("{{ value_json.missing }}", "{}", ""),
    ],
)
def test_usual_templates(template: str, payload: str, expected: str) -> None:
    assert read(template, payload) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in [1] %}x{% endfor %}",
        "{% set x = value ~ value %}{{ x }}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ 9 ** 999 }}",
        "{{ [0] * 1000000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ value.ljust(1000000000) }}",
        "{{ value | center(1000000000) }}",
        "{{ value | format(1) }}",
        "{{ value_json | tojson(indent=1000000000) }}",
        "{{ value.replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') }}",
        "{{ lipsum(1000) }}",
        "{{ range(1000000) | join }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ value.__init__.__globals__ }}",
        "{{ '{0.__class__}'.format_map({}) }}",
        "{{ unfinished",
        "{{" + "(" * 2000 + "1" + ")" * 2000 + "}}",
        "x" * 5000,
        "{{ 1 / 0 }}",
        "{{ value_json.a.b }}",
    ],
)
def test_what_could_hurt_is_refused(template: str) -> None:
    with pytest.raises(BadTemplateError):
        read(template, '"' + "a" * 2000 + '"')


@pytest.mark.parametrize("payload", ["[" * 100_000, "9" * 60_000])
def test_strange_json_is_plain_text(payload: str) -> None:
    assert read("{{ value | length }}", payload[:60_000]) == "60000"


def test_a_payload_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadTemplateError, match="too long"):
        read("{{ value }}", "x" * 100_000)


def test_rounding_is_bounded() -> None:
    assert render("{{ value | round(1000000000) }}", value=1.25) == "1.25"

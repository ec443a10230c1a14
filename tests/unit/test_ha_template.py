"""Home Assistant's templates: what publishers use works, what could hurt is refused."""

from __future__ import annotations

import pytest

from device_adapters.ha.template import BadTemplateError, read, render


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
        ("{{ value_json.t | is_defined }}", '{"t": 4}', "4"),
        ("{{ value | is_number }}", "4.5", "True"),
        ("{{ value | multiply(0.1) | round(1) }}", "215", "21.5"),
        ("{{ value | int | bitwise_and(4) | add(1) }}", "6", "5.0"),
        (
            "{{ value_json.x | default('', True) | string | truncate(3, True, '', 0) }}",
            '{"x": "abcdef"}',
            "abc",
        ),
        ("{{ {'off': 0, 'low': 1}[value_json.m] | default('None') }}", '{"m": "low"}', "1"),
        (
            "{% set v = {None: None, 'heat': 'heating'} %}{{ v[value_json.s] }}",
            '{"s": "heat"}',
            "heating",
        ),
        ("{% set t = value_json.t | float - 0.5 %}{{ t if t > 0 else 0 }}", '{"t": 2}', "1.5"),
        ("{{ (value_json.v / 99 * 255) | round(0) }}", '{"v": 99}', "255"),
        ("{{ value | round(1, 'floor') }} {{ value | round(0, 'ceil') }}", "2.19", "2.1 3"),
        ("{{ '#%02x%02x' | format(255, 7) }} {{ '%.1f%%' | format(2.25) }}", "", "#ff07 2.2%"),
        ("{{ value[1:3] | int(0, 16) }} {{ 'z' | int(3, 16) }}", "#ff00", "255 3"),
        ("{{ value | bool }}", "OFF", "False"),
        ("{{ value | bool(true) }}", "perhaps", "True"),
        ("{{ value | float(0) }} {{ value | int(default=7) }}", "unavailable", "0 7"),
        ("{{ value | is_number }}", "nan", "False"),
        ("{{ iif(value_json.on, 1, 0, 'None') }}", '{"on": null}', "None"),
        ("{{ (value_json.ts + 1) | int }}", '{"ts": 1764460800000}', "1764460800001"),
        ("{{ 'a' + value.split(',')[0:3] | join(',') }}", "1,2,3,4", "a1,2,3"),
        ("{{ [value_json.a, value_json.b] | max }}", '{"a": 1, "b": 2}', "2"),
        ("{% set a = value_json.a.b %}{% if a == 'x' %}ON{% endif %}", '{"a": {"b": "x"}}', "ON"),
    ],
)
def test_usual_templates(template: str, payload: str, expected: str) -> None:
    assert read(template, payload) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in [1] %}x{% endfor %}",
        "{% set x = value ~ value %}{{ x }}",
        "{% set x = [value, value] %}{{ x }}",
        "{% set x = value ~ '' %}{{ x }}",
        "{% set x = value | to_json %}{% set x = x | to_json %}{{ x }}",
        "{% set x = value | replace('a', 'bb') %}{{ x }}",
        "{% set x = value.split('a') %}{{ x }}",
        "{% set x %}{{ value }}{{ value }}{% endset %}{{ x }}",
        "{% set a, b = 1, 2 %}{{ a }}",
        "{{ value_json.missing | is_defined }}",
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
        "{{ '%999d' | format(1) }}",
        "{{ '%*d' | format(1000000000, 1) }}",
        "{{ '%.999f' | format(1) }}",
        "{{ 'zz' | int(base=16) }}",
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
        "{{ value | join(value) }}",
        "{{ value" + " | to_json" * 30 + " }}",
        "{{ " + " + ".join(["value"] * 150) + " }}",
        "{{ (" + " + ".join(["value.split('b')"] * 60) + ") | length }}",
        "{{ [value | max] }}",
        "{{ value" + " | title" * 300 + " }}",
        "{{ value_json.missing | float }}",
        "{{ value | float }}",
        "{{ value | int }}",
        "{{ value | bool }}",
        "{{ value_json.a.b }}",
    ],
)
def test_what_could_hurt_is_refused(template: str) -> None:
    with pytest.raises(BadTemplateError):
        read(template, '"' + "a" * 2000 + '"')


@pytest.mark.parametrize("payload", ["[" * 100_000, "9" * 60_000])
def test_strange_json_is_plain_text(payload: str) -> None:
    assert read("{{ value | length }}", payload[:60_000]) == "60000"


def test_a_template_of_many_steps_runs_on_what_is_short() -> None:
    steps = "{{ value" + " | replace('a', 'b') | replace('b', 'a')" * 10 + " }}"
    assert read(steps, "a" * 1000) == "a" * 1000
    with pytest.raises(BadTemplateError, match="too long"):
        read(steps, "a" * 60_000)


def test_a_payload_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadTemplateError, match="too long"):
        read("{{ value }}", "x" * 100_000)


def test_rounding_is_bounded() -> None:
    assert render("{{ value | round(1000000000) }}", value=1.25) == "1.25"

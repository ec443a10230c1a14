"""Recipes are data: they say what is wrong with them, and no value is ever read as part of one."""

import re
import sqlite3
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_adapters.android import cookbook
from device_adapters.android.filling import Template, in_pattern, in_sql
from device_adapters.android.recipe import Recipe
from device_adapters.android.steps import Step
from schemas.errors import DeviceRefused, InvalidSettings
from tests.contract.android.android_kit import NASTY

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))

FIRST = """
[[recipe]]
function = "find_my_keys"
done = "They beep"
steps = [{ tell = ["am", "broadcast", "-a", "org.example.BEEP"] }]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "own.toml").write_text(text)
    return folder


def test_a_households_recipe_needs_no_code_and_comes_first(tmp_path: Path) -> None:
    own = written(tmp_path, FIRST + FIRST.replace("find_my_keys", "lock_screen"))
    book = cookbook.load(own)
    assert "find_my_keys" in book.served(())
    assert [recipe.done.source for recipe in book.variants("lock_screen")] == [
        "They beep",
        "Locked",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recipe = 3", "recipe"),
        ("[[recipe", "Expected"),
        (FIRST.replace("tell", "shout"), "one verb of"),
        (FIRST.replace("tell =", "see = ['x'], tell ="), "one verb of"),
        (FIRST.replace('"They beep"', '"{key | loud}"'), "no filter is called loud"),
        (FIRST.replace("steps", "colour = 1\nsteps"), "colour"),
        (FIRST.replace("] }]", "], says = '(' }]"), "is no pattern"),
        (FIRST.replace("] }]", "], else = 'perhaps: yes' }]"), "perhaps"),
        (FIRST.replace("] }]", "], when = { sdk = '[' } }]"), "is no pattern"),
        (FIRST.replace('["am", "broadcast", "-a", "org.example.BEEP"]', "[]"), "at least 1"),
        (FIRST + FIRST.replace("tell", "shout"), "recipe 2 (find_my_keys), steps 1: "),
        (FIRST.replace("] }]", '], says = """\n(""" }]'), "is no pattern"),
        (FIRST.replace("] }]", "], says = 'a{99999999999}' }]"), "is no pattern"),
        (FIRST.replace('"They beep"', '"{key | scale 1}"'), "does not take 1 words"),
        (FIRST.replace('"They beep"', '"{Key}"'), "{Key} is no place"),
        (FIRST.replace('"They beep"', '"{key | }"'), "is no place"),
        (FIRST.replace("steps", "when = { '' = 'x' }\nsteps"), "is no value"),
        (FIRST.replace("steps", "when = { 'Sdk' = 'x' }\nsteps"), "is no place"),
        (FIRST.replace("{ tell", "{ new = 'old' }, { tell"), "step 1: `new` needs"),
        (FIRST.replace("{ tell", "{ front = true }, { tell"), "step 1: `front` needs"),
        (FIRST.replace("tell =", "among = 'x', called = 'y', choose ="), "no group `name`"),
        (
            FIRST.replace("tell =", "cut = 'x', fields = { a = 'b' }, list ="),
            "field a has no group",
        ),
        (FIRST.replace("tell =", "cut = 'x', fields = {}, required = ['a'], list ="), "no field a"),
        (FIRST.replace("] }]", "], else = 'absent' }]"), "`absent` is for"),
        (FIRST.replace("steps", "probe = [{ tell = ['x'] }]\nsteps"), "only looks"),
        (
            FIRST.replace("steps", "probe = [{ stop = true, else = 'drafted' }]\nsteps"),
            "only looks",
        ),
        ("recipe = [3]", "recipe 1"),
        ("x = " + "[" * 5000, "recursion"),
    ],
)
def test_a_bad_recipe_is_one_line_that_names_file_and_fault(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InvalidSettings, match=re.escape(said)) as caught:
        cookbook.load(written(tmp_path, text))
    assert "own.toml" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def arguments() -> dict[str, set[str]]:
    """The parameters of every function of the catalogue."""
    tables = [tomllib.loads(p.read_text()) for p in Path("config/functions").glob("*.toml")]
    return {
        function["name"]: {parameter["name"] for parameter in function.get("parameters", ())}
        for table in tables
        for function in table["function"]
    }


MANAGING = {
    "press_media_key": {"action"},
    "pull_file": {"path"},
    "ask_person": {"tag", "title", "text", "url"},
}


def gives(step: Step) -> set[str]:
    """The values that a step may leave behind."""
    known = {
        "number": {"number", "who"},
        "app": {"package"},
        "contacts": {"rows", "count"},
        "list": {"rows", "count"},
        "choose": {"others"},
        "start": {"front"},
        "new": {"_id"},
        "fetch": {"path", "why"},
        "keep": {"path"},
    }
    given = set(known.get(step.verb, set()))
    for name in ("says", "among"):
        pattern = getattr(step, name, None)
        if isinstance(pattern, Template):
            given |= set(re.compile(pattern.blank).groupindex)
    given |= set(getattr(step, "let", {})) | set(getattr(step, "columns", ()))
    return given


def templates(value: object) -> list[Template]:
    """Every template within a step."""
    if isinstance(value, Template):
        return [value]
    if isinstance(value, dict):
        return [found for one in value.values() for found in templates(one)]
    if isinstance(value, tuple):
        return [found for one in value for found in templates(one)]
    return templates(vars(value)) if hasattr(value, "__dict__") else []


@pytest.mark.parametrize("recipe", cookbook.packaged().recipes, ids=lambda r: r.function)
def test_every_place_of_a_packaged_recipe_can_be_filled(recipe: Recipe) -> None:
    known = arguments() | MANAGING
    given = {"key"} | known.get(recipe.function, set())
    for steps in (recipe.steps, recipe.probe or (), recipe.present.steps if recipe.present else ()):
        for step in steps:
            used = {place.name for one in templates(step) for place in one.places}
            assert used <= given | gives(step), step
            given |= gives(step)
    told = templates((recipe.done, recipe.result or (), recipe.present or ()))
    assert {place.name for one in told for place in one.places} <= given


@given(TEXTS)
def test_a_value_is_never_read_as_part_of_the_template(text: str) -> None:
    values = {"text": text, "other": "x"}
    assert Template("<{text}|{other}>").fill(values) == f"<{text}|x>"
    assert re.fullmatch(Template("{text}").fill(values, in_pattern), text)
    (back,) = sqlite3.connect(":memory:").execute(f"SELECT {in_sql(text)}").fetchone()
    assert back == text
    url = Template("https://x.org/?q={text | uri}&r=1").fill(values)
    assert parse_qs(urlsplit(url).query, keep_blank_values=True) == {"q": [text], "r": ["1"]}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{level | scale 0 255}", "102"),
        ("{level | scale lowest highest}", "7"),
        ("{index | level 0 255}", "4"),
        ("{on | map true=priority false=off}", "priority"),
        ("{zen | flag}", "False"),
        ("{time | hour}:{time | minute}", "8:5"),
        ("{length | seconds} {length | span}", "3900 1:05:00"),
        ("{start | ms zone}", "1766565000000"),
        ("{nothing | or level}", "4"),
        ("{nothing | blank}", ""),
        ("{key | tag}", "run-1tmp"),
        ("\\d{4} {{level}}", "\\d{4} {4}"),
    ],
)
def test_filters(template: str, filled: str) -> None:
    values = {
        "level": 4, "lowest": "1", "highest": "15", "index": "102", "on": True, "zen": "0",
        "time": "08:05", "length": "PT1H5M", "start": "2025-12-24-09-30", "zone": "Europe/Berlin",
        "nothing": None, "key": "run-1/../tmp",
    }  # fmt: skip
    assert Template(template).fill(values) == filled


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{nothing}", "nothing is missing"),
        ("{nothing | scale 0 9}", "nothing is missing"),
        ("{on | scale 0 9}", "on is no number"),
        ("{text | map a=b}", "text cannot be"),
        ("{long | seconds}", "cannot run for"),
        ("{text | seconds}", "is not a length of time"),
        ("{start | ms text}", "time zone is unknown"),
        ("{text | ms zone}", "is not a date with a time"),
        ("{low | after high}", "end before it starts"),
        ("{text | page}", "is not a web page"),
        ("{high | times 6 | scale 0 9}", "high is 0 to 10"),
        ("{start | ms continent}", "time zone is unknown"),
        ("{start | ms endless}", "time zone is unknown"),
        ("{low | divided 0}", "cannot be used with divided"),
        ("{text | hour}", "cannot be used with hour"),
    ],
)
def test_what_a_filter_cannot_take_is_refused(template: str, said: str) -> None:
    values = {
        "nothing": None, "on": True, "text": NASTY, "long": "PT25H", "low": 1, "high": 2,
        "start": "2025-12-24-09-30", "zone": "UTC", "continent": "Europe", "endless": "a" * 5000,
    }  # fmt: skip
    with pytest.raises(DeviceRefused, match=said):
        Template(template).fill(values)


@pytest.mark.parametrize(
    ("text", "fits"),
    [("x" * 160, "fits"), ("x" * 161, "long"), ("ä" * 70, "fits"), ("🙂" * 36, "long")],
)
def test_what_fits_into_one_message(text: str, fits: str) -> None:
    assert Template("{text | sms}").fill({"text": text}) == fits

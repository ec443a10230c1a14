"""Every page of the documentation is reached from its map, and no link leads nowhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Where a page leads inside the repository: the file, and the heading in it."""
    for link in _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", link):
            file, _, heading = link.partition("#")
            yield (page.parent / file if file else page).resolve(), heading


def headings(page: Path) -> set[str]:
    """Its headings as links name them."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    said = [re.sub(r"[`*]", "", line) for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in said}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_leads_nowhere(page: Path) -> None:
    for file, heading in links(page):
        assert file.exists(), f"{page.relative_to(ROOT)} names {file}"
        if heading:
            assert heading in headings(file), f"{page.relative_to(ROOT)}: {file.name}#{heading}"


def test_every_page_is_reached_from_the_map() -> None:
    known = {file for file, _ in links(ROOT / "docs/README.md")}
    for folder in ("tutorials", "howto", "reference"):
        missing = [p.name for p in (ROOT / "docs" / folder).glob("*.md") if p not in known]
        assert not missing, f"docs/README.md does not name {missing} of docs/{folder}"

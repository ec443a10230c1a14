"""Generations of weights: put to use whole or not at all, and gone back from."""

from pathlib import Path

import pytest

from orchestrator import taught


def write(text: str) -> taught.Fill:
    def fill(folder: Path) -> None:
        (folder / "weights").write_text(text)

    return fill


def test_nothing_is_taught_at_first(tmp_path: Path) -> None:
    assert taught.current(tmp_path) is None
    with pytest.raises(taught.NothingTaught, match="the packaged weights are in use"):
        taught.undo(tmp_path)


def test_a_generation_is_gone_back_from_and_stays(tmp_path: Path) -> None:
    first = taught.install(tmp_path, write("one"))
    second = taught.install(tmp_path, write("two"))
    assert taught.current(tmp_path) == second
    assert taught.undo(tmp_path) == first
    assert taught.undo(tmp_path) is None
    assert taught.current(tmp_path) is None
    assert [(f / "weights").read_text() for f in (first, second)] == ["one", "two"]


def test_only_the_last_three_and_their_way_back_are_kept(tmp_path: Path) -> None:
    made = [taught.install(tmp_path, write("one"))]
    undone = taught.install(tmp_path, write("a branch"))
    taught.undo(tmp_path)
    made += [taught.install(tmp_path, write(text)) for text in ("two", "three", "four")]
    assert len({*made, undone}) == 5
    assert [f for f in (*made, undone) if f.exists()] == made[1:]
    assert [taught.undo(tmp_path) for _ in range(3)] == [made[2], made[1], None]


def test_two_teachings_at_once_are_refused(tmp_path: Path) -> None:
    def teach_another(folder: Path) -> None:
        (folder / "weights").write_text("one")
        with pytest.raises(taught.CannotKeep, match="another teaching is under way"):
            taught.install(tmp_path, write("two"))

    first = taught.install(tmp_path, teach_another)
    assert taught.current(tmp_path) == first


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / taught.FOLDER).write_text("in the way")
    with pytest.raises(taught.CannotKeep, match=f"{tmp_path / taught.FOLDER}: "):
        taught.install(tmp_path, write("one"))


def test_a_teaching_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    first = taught.install(tmp_path, write("one"))
    before = sorted(tmp_path.rglob("*"))

    def fail(folder: Path) -> None:
        (folder / "half").write_text("written")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        taught.install(tmp_path, fail)
    assert taught.current(tmp_path) == first
    assert sorted(tmp_path.rglob("*")) == before

"""The steps of a recipe that work with rows: contacts, calendar, messages, pictures."""

from typing import Annotated

from pydantic import Field, model_validator

from device_adapters.android import content, people
from device_adapters.android.filling import in_sql
from device_adapters.android.run import Run
from device_adapters.android.steps import Step, Text
from schemas.errors import DeviceRefused

Columns = Annotated[tuple[str, ...], Field(min_length=1)]
"""Only the last may hold free text: nothing in an answer is escaped."""


class Rows(Step):
    """`rows`: remember, under a name, which rows there are."""

    verb = "rows"
    rows: str
    uri: Text
    where: Text

    async def run(self, run: Run) -> None:
        """Ask once."""
        where = run.fill(self.where, in_sql)
        run.watches[self.rows] = await content.watch(run.session, run.fill(self.uri), where)


class New(Step):
    """`new`: look until there are rows that `rows` did not see; the newest one's `_id` and columns
    become values. `sole`: there must be just one. `dials`: the last column must be this number."""

    verb = "new"
    new: str
    columns: tuple[str, ...] = ()
    sole: bool = False
    dials: Text | None = None

    @model_validator(mode="after")
    def _has_a_number(self) -> "New":
        if self.dials is not None and not self.columns:
            raise ValueError("`dials` needs a column")
        return self

    async def run(self, run: Run) -> None:
        """Look until patience ends."""
        with run.session.looking():
            watch = run.watches.get(self.new)
            if watch is None:
                raise DeviceRefused(f"nobody looked which rows {self.new} there were before")

        async def look() -> list[content.Row] | None:
            rows = await watch.new(*self.columns) or []
            return [row for row in rows if self._meant(row, run)] or None

        rows = await run.session.until(look) or []
        if not rows or (self.sole and len(rows) > 1):
            self.otherwise.follow(run)
            return
        newest = max(rows, key=lambda row: int(row[0]))
        run.values.update(zip(("_id", *self.columns), newest, strict=True))

    def _meant(self, row: content.Row, run: Run) -> bool:
        return self.dials is None or people.same(row[-1], run.fill(self.dials))


class First(Step):
    """`first`: the first row that matches; its columns become values."""

    verb = "first"
    first: Text
    columns: Columns
    where: Text
    sort: str = "_id"

    async def run(self, run: Run) -> None:
        """Ask once."""
        where = run.fill(self.where, in_sql)
        uri = run.fill(self.first)
        rows = await content.query(run.session, uri, self.columns, where, self.sort)
        if not rows:
            self.otherwise.follow(run)
            return
        run.values.update(zip(self.columns, rows[0], strict=True))

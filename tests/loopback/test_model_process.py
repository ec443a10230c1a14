"""The model's process, as it is and as stand-ins that die, hang and write what they should not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.octopus import process
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from orchestrator.octopus.manifest import READER, WEIGHTS
from orchestrator.octopus.process import (
    MAX_TOGETHER,
    ModelBusy,
    ModelDown,
    ModelProcess,
    ModelRefused,
    Start,
)
from orchestrator.settings import Model
from schemas.decoded import Decoded
from schemas.errors import HubError

NESTED = "Text John the weather in Seoul"
SENTENCES = Path(__file__).parents[1] / "sentences" / "short.jsonl"

RELAY = """
import os, socket, sys, threading
hub = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
hub.sendall(b"%d\\n" % os.getpid())

def say():
    while told := hub.recv(65536):
        os.write(1, told)
    os._exit(0)

threading.Thread(target=say, daemon=True).start()
for line in sys.stdin.buffer:
    hub.sendall(line)
hub.sendall(b"null\\n")
"""
"""A program that is the test's mouth: lines it is given go to the test, bytes of the test's are
what it writes. It says that its input ended, and ends then."""


class Actor:
    """One stand-in process, played by the test."""

    def __init__(self, pid: int, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.stopped = False  # its input came to an end before it did
        self._writer = writer

    def write(self, told: bytes) -> None:
        """Write these bytes."""
        self._writer.write(told)

    def answer(self, sentences: list[str]) -> None:
        """Each sentence is what it is decoded to."""
        told = [Decoded(text=one, confidence=1.0).model_dump() for one in sentences]
        self.write(json.dumps(told).encode() + b"\n")

    def die(self) -> None:
        """As the kernel ends what takes too much memory."""
        os.kill(self.pid, signal.SIGKILL)

    def leave(self) -> None:
        """End with status 0."""
        self._writer.close()


Manner = Callable[[Actor, list[str]], None]
"""What a stand-in does when it is asked to decode a batch."""


class Stage:
    """Stand-in processes; `started` and `asked` tell what happens to them."""

    def __init__(self, port: int, manner: Manner) -> None:
        self.program = (sys.executable, "-S", "-c", RELAY, str(port))
        self.manner = manner
        self.ready: bytes | None = process.READY + b"\n"
        self.actors: list[Actor] = []
        self.started: asyncio.Queue[Actor] = asyncio.Queue()
        self.asked: asyncio.Queue[tuple[Actor, list[str]]] = asyncio.Queue()
        self.batches: list[list[str]] = []

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The life of one process."""
        with suppress(ConnectionError):
            actor = Actor(int(await reader.readline()), writer)
            self.actors.append(actor)
            if await reader.readline():
                self._start(actor)
            while line := await reader.readline():
                self._ask(actor, json.loads(line))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def _start(self, actor: Actor) -> None:
        self.started.put_nowait(actor)
        if self.ready is not None:
            actor.write(self.ready)

    def _ask(self, actor: Actor, sentences: list[str] | None) -> None:
        if sentences is None:
            actor.stopped = True
            return
        self.batches.append(sentences)
        self.asked.put_nowait((actor, sentences))
        self.manner(actor, sentences)


def echo(actor: Actor, sentences: list[str]) -> None:
    """As it should be."""
    actor.answer(sentences)


def silent(actor: Actor, sentences: list[str]) -> None:
    """The test answers, or nobody does."""


def dying_of(killer: str) -> Manner:
    """One sentence is its death."""

    def answer(actor: Actor, sentences: list[str]) -> None:
        if killer in sentences:
            actor.die()
        else:
            actor.answer(sentences)

    return answer


def writing(told: bytes, *, leave: bool = False) -> Manner:
    """These bytes, whatever is asked; then it may end."""

    def answer(actor: Actor, sentences: list[str]) -> None:
        actor.write(told)
        if leave:
            actor.leave()

    return answer


@asynccontextmanager
async def staged(manner: Manner = echo) -> AsyncIterator[Stage]:
    """Behind it no connection is left."""
    playing: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        playing.add(asyncio.create_task(made.play(reader, writer), name="actor"))

    server = await asyncio.start_server(begin, "127.0.0.1", 0, limit=1 << 20)
    async with server:
        made = Stage(server.sockets[0].getsockname()[1], manner)
        yield made
    async with asyncio.timeout(5):
        await asyncio.gather(*playing)


def opened(start: Start, stage: Stage, deadline: float = 10.0) -> ModelProcess:
    """A model whose process is a stand-in."""
    return ModelProcess(start, deadline=deadline, program=stage.program)


@pytest.fixture
def start(catalogue: Catalogue) -> Start:
    return Start(model=Model(), functions=tuple(catalogue), embedded=WEIGHTS)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as made:
        yield made


def gone(pid: int) -> bool:
    """Whether there is no such process, not even one that nobody waited for."""
    return not Path(f"/proc/{pid}").exists()


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


async def within(seconds: float, holds: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (a foreign process)
            await asyncio.sleep(0.01)


@contextmanager
def one_line(kind: type[HubError], code: str, *said: str) -> Iterator[None]:
    """An error of this kind and code, with these words in its only line."""
    with pytest.raises(kind) as caught:
        yield
    assert caught.value.code == code
    assert len(str(caught.value).splitlines()) == 1
    for words in said:
        assert words in str(caught.value)


# The worker that ships.


async def test_a_sentence_is_decoded(start: Start) -> None:
    async with ModelProcess(start, deadline=10) as model:
        decoded = await model.decode(NESTED)
        pid = model.pid
        assert pid is not None
        assert not gone(pid)
    assert decoded.text == "<nexa_7>('John', <nexa_2>('Seoul'))<nexa_end>"
    assert decoded.model == "embedded"
    assert gone(pid)


@pytest.fixture(scope="module")
def known(catalogue: Catalogue) -> dict[str, str]:
    """Sentences, and what they are decoded to without a process."""
    engine = Engine(EmbeddedModel(catalogue, WEIGHTS))
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()
    sentences = [json.loads(line)["q"] for line in lines[:40]]
    return {one: engine.decode(one).text for one in sentences}


async def test_each_sentence_gets_its_own_answer(start: Start, known: dict[str, str]) -> None:
    async with ModelProcess(start, deadline=20) as model:
        told = await asyncio.gather(*(model.decode(one) for one in known))
    assert [one.text for one in told] == list(known.values())
    assert len({one.text for one in told}) > 10


async def test_a_sentence_that_is_too_long_costs_its_neighbours_nothing(start: Start) -> None:
    long = "word " * 2_000
    async with ModelProcess(start, deadline=10) as model:
        pid = model.pid
        before, refused, behind = await asyncio.gather(
            model.decode(NESTED), model.decode(long), model.decode(NESTED), return_exceptions=True
        )
        assert model.pid == pid
    with one_line(ModelRefused, "too_long", "word pieces"):
        assert isinstance(refused, BaseException)
        raise refused
    assert isinstance(before, Decoded)
    assert before == behind


async def test_killed_while_idle(start: Start) -> None:
    async with ModelProcess(start, deadline=10) as model:
        first = await model.decode(NESTED)
        for seen in (False, True):
            killed = model.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            if seen:
                await within(5, lambda: model.pid is None)
            assert await model.decode(NESTED) == first
            assert model.pid not in (killed, None)
            assert gone(killed)


async def test_killed_while_it_decodes(start: Start) -> None:
    async with ModelProcess(start, deadline=10) as model:
        killed = model.pid
        assert killed is not None
        os.kill(killed, signal.SIGSTOP)
        asking = asyncio.create_task(model.decode(NESTED))
        await asyncio.sleep(0)
        os.kill(killed, signal.SIGKILL)
        assert (await asking).text.startswith("<nexa_7>")
        assert model.pid not in (killed, None)


async def test_one_that_hangs_is_killed_and_started_anew(start: Start) -> None:
    loop = asyncio.get_running_loop()
    async with ModelProcess(start, deadline=2) as model:
        hung = model.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        began = loop.time()
        with one_line(ModelDown, "model", "did not answer within 2 s"):
            await model.decode(NESTED)
        assert gone(hung)
        assert (await model.decode(NESTED)).text.startswith("<nexa_7>")
        assert loop.time() - began < 2 + 10, "worker back ≤ 10 s"
        assert model.pid not in (hung, None)


async def test_only_the_hub_ends_it(start: Start) -> None:
    async with ModelProcess(start, deadline=10) as model:
        pid = model.pid
        assert pid is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(pid, number)
            await model.decode(NESTED)
        assert model.pid == pid
    assert gone(pid)


async def test_weights_that_cannot_be_loaded(tmp_path: Path, start: Start) -> None:
    for file in WEIGHTS.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / READER).unlink()
    (tmp_path / READER).write_bytes(b"\x08\x07")
    model = ModelProcess(start.model_copy(update={"embedded": tmp_path}), deadline=10)
    with one_line(ModelRefused, "weights", str(tmp_path), f"{READER} is damaged or altered"):
        async with model:
            pytest.fail("it is open")
    assert model.pid is None


LOUD = """
import os, subprocess, sys
from orchestrator.octopus import worker
from schemas.decoded import Decoded

class Loud:
    def decode_all(self, sentences):
        print("a library is chatty", flush=True)
        os.write(1, b'[{"text": "no answer", "confidence": 1.0}]\\n')
        subprocess.run(["echo", "so is what it starts"], check=True)
        print("and it ends no line", end="")
        return [Decoded(text=one, confidence=1.0) for one in sentences]

def load(*_):
    print("loading", end="", flush=True)
    return Loud()

worker.load = load
worker.main()
"""


async def test_what_libraries_print_is_no_answer(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    async with ModelProcess(start, deadline=10, program=python(LOUD)) as model:
        for sentence in ("one", "two"):
            assert (await model.decode(sentence)).text == sentence
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("loading")
    assert err.count("so is what it starts") == 2


async def test_nothing_comes_from_the_folder_the_hub_stands_in(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "numpy", "schemas", "orchestrator"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    async with ModelProcess(start, deadline=10) as model:
        assert (await model.decode(NESTED)).text.startswith("<nexa_7>")


# One that dies.


async def test_what_waits_goes_together(start: Start, stage: Stage) -> None:
    async with opened(start, stage) as model:
        sentences = [f"sentence {number}" for number in range(2 * MAX_TOGETHER + 4)]
        told = await asyncio.gather(*(model.decode(one) for one in sentences))
    assert [one.text for one in told] == sentences
    assert [len(batch) for batch in stage.batches] == [MAX_TOGETHER, MAX_TOGETHER, 4]
    assert [one for batch in stage.batches for one in batch] == sentences


async def test_one_that_dies_is_asked_once_more(start: Start) -> None:
    async with staged(silent) as stage, opened(start, stage) as model:
        asking = asyncio.create_task(model.decode("one"))
        first, _ = await stage.asked.get()
        assert model.pid == first.pid
        first.die()
        second, again = await stage.asked.get()
        assert again == ["one"]
        second.answer(again)
        assert (await asking).text == "one"
        assert model.pid == second.pid != first.pid
        assert gone(first.pid)
    assert len(stage.batches) == 2


async def test_a_sentence_that_kills_it_costs_no_other(start: Start) -> None:
    async with staged(dying_of("killer")) as stage, opened(start, stage) as model:
        sentences = ["one", "killer", "two", "three"]
        told = await asyncio.gather(
            *(model.decode(one) for one in sentences), return_exceptions=True
        )
        with one_line(ModelDown, "model", "died of it twice", "-9"):
            assert isinstance(told[1], BaseException)
            raise told[1]
        assert [one.text for one in told if isinstance(one, Decoded)] == ["one", "two", "three"]
        assert (await model.decode("four")).text == "four"
        assert [gone(actor.pid) for actor in stage.actors] == [True, True, False]
    assert stage.batches == [sentences, ["one"], ["killer"], ["two"], ["three"], ["four"]]


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        (writing(b"Segmentation fault\n"), "cannot be read"),
        (writing(b"[]\n"), "cannot be read"),
        (writing(b'[{"text": "a", "confidence": 1}, {"text": "b", "confidence": 1}]\n'), "be read"),
        (writing(b'[{"text": "one", "conf', leave=True), "exit status 0"),
        (writing(b"", leave=True), "exit status 0"),
        (writing(b"\xff\xfe\n"), "cannot be read"),
    ],
    ids=["garbage", "too few", "too many", "half a line", "nothing", "bytes"],
)
async def test_an_answer_that_is_none(start: Start, manner: Manner, said: str) -> None:
    async with staged(manner) as stage, opened(start, stage) as model:
        with one_line(ModelDown, "model", "died of it twice", said):
            await model.decode("one")
        stage.manner = echo
        assert (await model.decode("two")).text == "two"
    assert stage.batches == [["one"], ["one"], ["two"]]
    assert all(gone(actor.pid) for actor in stage.actors)


@pytest.mark.parametrize("before", [b"", b"Hello\n"], ids=["a line", "behind a line"])
async def test_a_flood_is_cut_off(
    start: Start, before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_LINE", 1 << 12)
    async with staged(writing(before + b"a" * (1 << 20))) as stage, opened(start, stage) as model:
        with one_line(ModelDown, "model", "died of it twice"):
            await model.decode("one")
        stage.manner = echo
        assert (await model.decode("two")).text == "two"
    assert all(gone(actor.pid) for actor in stage.actors)


HOLDING = """
import os, subprocess, sys
input()
print('"ready"', flush=True)
input()
subprocess.Popen(["cat", sys.argv[1]])
os.kill(os.getpid(), 9)
"""


async def test_what_it_started_does_not_hold_the_hub(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_WITHIN", 0.2)
    hold, before = tmp_path / "hold", descriptors()
    os.mkfifo(hold)
    program = (*python(HOLDING), str(hold))
    async with ModelProcess(start, deadline=0.5, program=program) as model:
        with one_line(ModelDown, "model", "did not answer"):
            await model.decode("one")
        await within(5, lambda: model.pid is not None)
    os.close(os.open(hold, os.O_WRONLY))
    await within(5, lambda: descriptors() == before)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_dying_again_and_again_leaks_no_descriptor(start: Start) -> None:
    async with staged(dying_of("killer")) as stage, opened(start, stage) as model:
        counted = []
        for _ in range(4):
            with pytest.raises(ModelDown):
                await model.decode("killer")
            await model.decode("one")
            # Connections of the test's own to dead stand-ins end by themselves.
            counted.append(descriptors())
        await within(5, lambda: descriptors() <= counted[0])
    assert len(stage.actors) == 9


INHERITING = """
import json, os
input()
print('"ready"', flush=True)
input()
open_ = [n for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")]
print(json.dumps([{"text": " ".join(open_), "confidence": 1}]), flush=True)
input()
"""


async def test_it_inherits_no_descriptor(start: Start) -> None:
    inner, outer = os.pipe()
    os.set_inheritable(inner, True)
    try:
        async with ModelProcess(start, deadline=10, program=python(INHERITING)) as model:
            assert sorted((await model.decode("one")).text.split()) == ["0", "1", "2"]
    finally:
        os.close(inner)
        os.close(outer)


# One that hangs.


async def test_after_one_that_hung_the_next_is_loaded_before_anybody_asks(start: Start) -> None:
    async with staged(silent) as stage, opened(start, stage, 0.1) as model:
        hung = await stage.started.get()
        told = await asyncio.gather(
            *(model.decode(one) for one in ("one", "two")), return_exceptions=True
        )
        assert [type(one) for one in told] == [ModelDown, ModelDown]
        fresh = await stage.started.get()
        assert gone(hung.pid)
        assert model.pid == fresh.pid
    assert stage.batches == [["one", "two"]], "it was asked for nothing"


async def test_an_answer_that_comes_too_late_is_nobodys(start: Start) -> None:
    async with staged(silent) as stage, opened(start, stage, 0.2) as model:
        asking = asyncio.create_task(model.decode("one"))
        hung, late = await stage.asked.get()
        with pytest.raises(ModelDown):
            await asking
        hung.answer(late)
        stage.manner = echo
        assert (await model.decode("two")).text == "two"


async def test_one_that_does_not_read(start: Start) -> None:
    code = (
        "import signal, sys\nsys.stdin.readline(); print('\"ready\"', flush=True); signal.pause()\n"
    )
    async with ModelProcess(start, deadline=0.5, program=python(code)) as model:
        with one_line(ModelDown, "model", "did not answer within 0.5 s"):
            await model.decode("a" * (1 << 20))


# People who wait.


async def test_too_many_wait(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_WAITING", 3)
    async with staged(silent) as stage, opened(start, stage) as model:
        asking = [asyncio.create_task(model.decode("one"))]
        actor, _ = await stage.asked.get()
        asking += [asyncio.create_task(model.decode(one)) for one in ("two", "three", "four")]
        await asyncio.sleep(0)
        with one_line(ModelBusy, "busy"):
            await model.decode("five")
        stage.manner = echo
        actor.answer(["one"])
        told = await asyncio.gather(*asking)
        assert [one.text for one in told] == ["one", "two", "three", "four"]
        assert (await model.decode("six")).text == "six"


async def test_who_gives_up_costs_nobody_anything(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MAX_WAITING", 2)
    async with staged(silent) as stage, opened(start, stage) as model:

        def ask(sentence: str) -> asyncio.Task[Decoded]:
            return asyncio.create_task(model.decode(sentence))

        asked = [ask("one")]
        actor, _ = await stage.asked.get()
        left = [ask("two"), ask("three")]
        await asyncio.sleep(0)
        for one in (*asked, *left):
            one.cancel()
        await asyncio.gather(*asked, *left, return_exceptions=True)
        waiting = [ask("four"), ask("five")]
        await asyncio.sleep(0)
        stage.manner = echo
        actor.answer(["one"])
        assert [one.text for one in await asyncio.gather(*waiting)] == ["four", "five"]
    assert stage.batches == [["one"], ["four", "five"]]


async def test_who_gave_up_is_not_asked_for_again(start: Start) -> None:
    async with staged(silent) as stage, opened(start, stage) as model:
        asking = [asyncio.create_task(model.decode(one)) for one in ("one", "two")]
        actor, _ = await stage.asked.get()
        asking[0].cancel()
        stage.manner = echo
        actor.die()
        told = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(told[1], Decoded)
    assert stage.batches == [["one", "two"], ["two"]]


# One that does not start.


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (python("input(); print('Hello, I am a model')"), "cannot be read"),
        (python("input(); print('[1, 2]')"), "cannot be read"),
        (python("input(); print('\"rea', end='')"), "exit status 0"),
        (python("raise SystemExit(3)"), "exit status 3"),
        (python("import os; os.kill(os.getpid(), 11)"), "exit status -11"),
        (("/nowhere/python",), "/nowhere/python"),
        ((str(WEIGHTS / READER),), READER),
        (python("input(); input()"), "not ready after 1 s"),
    ],
    ids=["garbage", "JSON", "half a line", "ends", "crashes", "none", "no program", "says nothing"],
)
async def test_a_program_that_is_no_worker(
    start: Start, program: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LOAD_WITHIN", 1 if "not ready" in said else 20)
    model = ModelProcess(start, deadline=10, program=program)
    with one_line(ModelDown, "model", "the model cannot be started: ", said):
        async with model:
            pytest.fail("it is open")
    assert model.pid is None


async def test_opening_that_is_given_up(start: Start, stage: Stage) -> None:
    stage.ready = None
    opening = asyncio.create_task(opened(start, stage).__aenter__())
    actor = await stage.started.get()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert gone(actor.pid)


async def refusal(model: ModelProcess, sentence: str) -> BaseException:
    with pytest.raises(HubError) as caught:
        await model.decode(sentence)
    return caught.value


REFUSED = b'{"code": "weights", "reason": "the weights are damaged"}\n'


async def test_one_that_cannot_be_loaded_again_rests(start: Start) -> None:
    async with staged(dying_of("killer")) as stage, opened(start, stage) as model:
        stage.ready = REFUSED
        told = await asyncio.gather(
            *(model.decode(one) for one in ("killer", "one", "two", "three")),
            return_exceptions=True,
        )
        for one in [*told, *[await refusal(model, "one") for _ in range(20)]]:
            with one_line(ModelRefused, "weights", "the weights are damaged"):
                assert isinstance(one, BaseException)
                raise one
        assert len(stage.actors) == 2, "it is loaded once, not for each sentence"
        assert model.pid is None


async def test_one_that_rested_is_loaded_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "REST", 0.2)
    async with staged(dying_of("killer")) as stage, opened(start, stage) as model:
        stage.ready = REFUSED
        assert isinstance(await refusal(model, "killer"), ModelRefused)
        stage.ready = process.READY + b"\n"
        told: list[Decoded] = []
        async with asyncio.timeout(10):
            while not told:
                with suppress(ModelRefused):
                    told.append(await model.decode("one"))
                await asyncio.sleep(0.02)
        assert told[0].text == "one"
    assert len(stage.actors) == 3


# The end.


async def test_closing_lets_it_end_by_itself(start: Start, stage: Stage) -> None:
    async with opened(start, stage) as model:
        await model.decode("one")
    (actor,) = stage.actors
    assert gone(actor.pid)
    await within(5, lambda: actor.stopped)
    assert model.pid is None


async def test_the_shipped_one_ends_by_itself(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = []
    ended = process._ended

    async def watched(one: asyncio.subprocess.Process) -> None:
        await ended(one)
        statuses.append(one.returncode)

    monkeypatch.setattr(process, "_ended", watched)
    async with ModelProcess(start, deadline=10) as model:
        await model.decode(NESTED)
    assert statuses[0] == 0


async def test_closing_tells_those_who_wait(start: Start, stage: Stage) -> None:
    stage.manner = silent
    async with opened(start, stage) as model:
        asking = [asyncio.create_task(model.decode("one"))]
        await stage.asked.get()
        asking += [asyncio.create_task(model.decode(f"{n}")) for n in range(MAX_TOGETHER + 1)]
        await asyncio.sleep(0)
    asking.append(asyncio.create_task(model.decode("behind")))
    for one in asking:
        with one_line(ModelDown, "model", "the hub stops"):
            await one


async def test_closing_does_not_wait_for_one_that_hangs(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_WITHIN", 0.2)
    async with ModelProcess(start, deadline=10) as model:
        hung = model.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        asking = asyncio.create_task(model.decode(NESTED))
        await asyncio.sleep(0)
    with one_line(ModelDown, "model", "the hub stops"):
        await asking
    assert gone(hung)


async def test_closing_while_the_next_one_is_loaded(start: Start, stage: Stage) -> None:
    stage.manner = silent
    async with opened(start, stage) as model:
        asking = asyncio.create_task(model.decode("one"))
        actor, _ = await stage.asked.get()
        await stage.started.get()
        stage.ready = None
        actor.die()
        loading = await stage.started.get()
    with one_line(ModelDown, "model", "the hub stops"):
        await asking
    assert gone(loading.pid)


async def test_a_model_that_died_while_idle_is_found_when_it_is_asked_for_a_sign(
    start: Start,
) -> None:
    async with ModelProcess(start, deadline=10) as model:
        before = model.pid
        assert before is not None
        assert await model.alive()
        os.kill(before, signal.SIGKILL)
        assert await model.alive(), "it has its deadline to come back"
        await within(10, lambda: model.pid not in (before, None))
        assert await model.alive()
        assert (await model.decode(NESTED)).text.startswith("<nexa_7>")


async def test_a_sign_of_life_is_asked_for_without_a_sentence(start: Start, stage: Stage) -> None:
    async with opened(start, stage) as model:
        assert await model.alive()
        await within(5, lambda: stage.batches == [[]])
        assert (await model.decode("one")).text == "one"
        assert await model.alive()


async def test_a_model_that_cannot_be_started_gives_none(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "ALIVE_AFTER", 0.0)
    async with staged(silent) as stage, opened(start, stage, 0.1) as model:
        assert await model.alive()
        model._program = ("/no/such/program",)
        async with asyncio.timeout(10):
            while await model.alive():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert not await model.alive(), "the hub has stopped"

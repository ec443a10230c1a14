"""dbos as a system of benchmarks/peers.py, used as its documentation says.

A plan is an async workflow, a call an async step. Steps that do not need each other are started in
order and gathered; branches of several steps are child workflows, for steps that interleave would
make a workflow that cannot be replayed. Recovery is launch's own, cancelling `cancel_workflow`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from dbos import DBOS, SetWorkflowID, WorkflowHandleAsync, error

from benchmarks.peers_plans import Chains, Devices, Run, Task, main

OPEN = ["PENDING", "ENQUEUED", "DELAYED"]
QUEUE = "peers"
LOOK = 0.02
"""Seconds between two looks for what has ended."""
DEVICES = Devices()
"""Steps are found by their names after a restart, so what they reach is the module's."""


@DBOS.step()
async def act(task: Task, before: str) -> str:
    """One call."""
    return await DEVICES.act(task)


@DBOS.workflow()
async def in_turn(tasks: tuple[Task, ...]) -> None:
    """Steps that need the one before."""
    before = ""
    for task in tasks:
        before = await act(task, before)


@DBOS.workflow()
async def at_once(tasks: tuple[Task, ...]) -> None:
    """Steps that need no other."""
    calls = [asyncio.create_task(act(task, "")) for task in tasks]
    await asyncio.gather(*calls, return_exceptions=True)


@DBOS.workflow()
async def branches(chains: Chains) -> None:
    """Chains that do not need each other."""
    handles = [await DBOS.start_workflow_async(in_turn, chain) for chain in chains]
    await asyncio.gather(*(handle.get_result() for handle in handles), return_exceptions=True)


@DBOS.workflow()
async def enqueued(chains: Chains) -> None:
    """The same, each chain enqueued."""
    handles = [await DBOS.enqueue_workflow_async(QUEUE, in_turn, chain) for chain in chains]
    await asyncio.gather(*(handle.get_result() for handle in handles), return_exceptions=True)


class Peer:
    """dbos over the stub devices."""

    def __init__(self) -> None:
        self.devices = DEVICES

    @property
    def by_a_queue(self) -> Run:
        """Each call a workflow of its own, enqueued."""
        return self._enqueued

    async def run(
        self, identity: str, chains: Chains, accepted: Callable[[], None] = lambda: None
    ) -> None:
        """Started in the background, which is durable once the handle is there, and awaited."""
        with SetWorkflowID(identity):
            if len(chains) == 1:
                handle = await DBOS.start_workflow_async(in_turn, chains[0])
            elif all(len(chain) == 1 for chain in chains):
                tasks = tuple(task for chain in chains for task in chain)
                handle = await DBOS.start_workflow_async(at_once, tasks)
            else:
                handle = await DBOS.start_workflow_async(branches, chains)
        accepted()
        try:
            await handle.get_result()
        except error.DBOSAwaitedWorkflowCancelledError:
            return

    async def _enqueued(self, identity: str, chains: Chains) -> None:
        with SetWorkflowID(identity):
            await enqueued(chains)

    async def cancel(self, identity: str) -> None:
        """The workflow and its children."""
        await DBOS.cancel_workflow_async(identity, cancel_children=True)

    async def account(self, identity: str) -> str:
        """The status of the workflow and its children, and what is recorded of their calls."""
        told = []
        for workflow in await DBOS.list_workflows_async(workflow_id_prefix=identity):
            steps = await DBOS.list_workflow_steps_async(workflow.workflow_id)
            calls = [str(s["output"] or s["error"]) for s in steps if s["function_name"] == "act"]
            told.append(f"{workflow.status}: {' '.join(calls)}" if calls else workflow.status)
        return "; ".join(told)

    async def recovered(self, within: float) -> dict[str, str]:
        """Launch has begun to recover; this waits for what it took up."""
        left: list[WorkflowHandleAsync[None]] = [
            await DBOS.retrieve_workflow_async(name) for name in await self._statuses(OPEN)
        ]
        ends = [
            asyncio.create_task(handle.get_result(polling_interval_sec=LOOK)) for handle in left
        ]
        if ends:
            await asyncio.wait(ends, timeout=within)
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        return {name: _word(status) for name, status in (await self._statuses()).items()}

    async def _statuses(self, wanted: list[str] | None = None) -> dict[str, str]:
        found = await DBOS.list_workflows_async(status=wanted, load_input=False, load_output=False)
        return {workflow.workflow_id: workflow.status for workflow in found}


def _word(status: str) -> str:
    if status == "SUCCESS":
        return "done"
    return "open" if status in OPEN else status.lower()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Peer]:
    """dbos on a SQLite file in a folder. Telemetry is off unless asked for; release 3 has no
    admin server."""
    DBOS(
        config={
            "name": "peers",
            "system_database_url": f"sqlite:///{folder / 'dbos.db'}",
            "log_level": "CRITICAL",
            "enable_otlp": False,
        }
    )
    DBOS.launch()
    await DBOS.register_queue_async(QUEUE, worker_concurrency=10)
    try:
        yield Peer()
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    main(opened)

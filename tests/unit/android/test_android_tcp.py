"""A socket whose other end has gone is known as such, whatever is left in it."""

from __future__ import annotations

import asyncio

from device_adapters.adb.tcp import TcpBulk


async def test_an_end_is_noticed_though_something_is_left_to_read() -> None:
    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"left over")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(leave, "127.0.0.1", 0)
    async with server:
        bulk = TcpBulk("127.0.0.1", server.sockets[0].getsockname()[1])
        assert not bulk.alive
        await bulk.connect()
        async with asyncio.timeout(10):
            while bulk.alive:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.001)
        assert await bulk.receive(100) == b"left over"
        assert await bulk.receive(100) == b""
        bulk.abort()
        assert not bulk.alive

"""A port of this machine that leads to the port on which a service listens.

Only this machine can reach it: it listens on loopback. Who else may is for whoever runs a proxy in front of it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pedigree.errors import Busy

HOST = "127.0.0.1"
CHUNK_BYTES = 1 << 16


@contextmanager
def forwarded(external: int, internal: int) -> Iterator[None]:
    """Connections to `external` are passed on to `internal` while inside; nothing is done where the two are one.

    A connection that comes before the service listens is closed, as any is to a port that nobody listens on.
    Raises Busy when another program has the port.
    """
    if external == internal:
        yield
        return
    loop = asyncio.new_event_loop()
    try:
        server = loop.run_until_complete(_listen(external, internal))
    except OSError as error:
        loop.close()
        raise Busy(
            f"The external_port {external} of the service cannot be used: {error.strerror}.",
            remedy="Stop the program that has it (`ss -ltnp` shows which), or name another port in the spec.",
            port=external,
        ) from error
    thread = threading.Thread(target=loop.run_forever, name=f"port {external}")
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(external: int, internal: int) -> asyncio.Server:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other_reader, other_writer = await asyncio.open_connection(HOST, internal)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(_pump(reader, other_writer), _pump(other_reader, writer))
        finally:
            writer.close()
            other_writer.close()

    return await asyncio.start_server(handle, HOST, external)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of `reader`, and pass the end on: the other direction may still have something to say."""
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def _close(server: asyncio.Server) -> None:
    server.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

"""Resolve host names in daemon threads, which nothing has to wait for at exit."""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

__all__ = ["DaemonResolver"]

Info = tuple[Any, ...]  # family, type, protocol, canonical name, address


class DaemonResolver(AbstractResolver):
    """``getaddrinfo`` in daemon threads.

    It cannot be interrupted, and waits half a minute for name servers that do not answer. With the loop's own threads, both
    closing the loop and leaving the interpreter would wait as well, after Ctrl-C too. Lookups are few: aiohttp keeps what
    they find.
    """

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[Info]] = loop.create_future()

        def settle(infos: list[Info] | OSError) -> None:
            if found.done():  # nothing waits for it any more
                return
            if isinstance(infos, OSError):
                found.set_exception(infos)
            else:
                found.set_result(infos)

        def look_up() -> None:
            result: list[Info] | OSError
            try:
                result = list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG))
            except OSError as error:
                result = error
            except UnicodeError:  # no host name is like this
                result = OSError(f"{host!r} is not a host name")
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, result)

        threading.Thread(target=look_up, name=f"lookup of {host[:40]}", daemon=True).start()
        return [
            ResolveResult(
                hostname=host,
                host=_numeric(address),
                port=port,
                family=family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family, _, protocol, _, address in await found
        ]

    @override
    async def close(self) -> None:
        """Nothing is open."""


def _numeric(address: tuple[object, ...]) -> str:
    """The address, with the zone of a link-local IPv6 one."""
    host = str(address[0])
    scope = address[3] if len(address) > 3 else 0  # noqa: PLR2004 - host, port, flow, scope
    return f"{host}%{scope}" if scope and "%" not in host else host

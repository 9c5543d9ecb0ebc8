"""Bound request bodies to the configured size, whatever the sender announces."""

from starlette.types import Message, Receive

from batchrun.emulator.http.request_head import RequestHead

__all__ = ["bounded"]


async def bounded(receive: Receive, head: RequestHead, most: int) -> Receive | None:
    """A source of the same body, or None if it is too large.

    The server already keeps a body to its announced length. One without is read here, and no further than ``most``.
    """
    if not head.is_chunked:
        return receive if (head.length or 0) <= most else None
    parts: list[bytes] = []
    size, is_more = 0, True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return _replay([message], receive)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        is_more = message.get("more_body", False)
    return _replay([{"type": "http.request", "body": b"".join(parts), "more_body": False}], receive)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    async def replay() -> Message:
        return messages.pop(0) if messages else await receive()

    return replay

"""One HTTP exchange on the wire: what came in, and every honest and dishonest way to end it."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, replace
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRANSPORT = "ml_connector_simulators.transport"  # the ASGI extension our server puts the connection under
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close sends RST instead of FIN

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def encode_json(value: Any) -> bytes:
    """JSON text with Decimal as plain numbers, every decimal place kept (`1234.7700`)."""
    return _encoder.encode(value)


def decode_json(text: bytes | str) -> Any:
    """JSON values with fractions as Decimal."""
    return _decoder.decode(text)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer whose numbers keep their decimal places."""
    return Response(encode_json(value), status, headers, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer, not yet sent."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @classmethod
    def of(cls, status: int, body: bytes, content_type: str, headers: Mapping[str, str]) -> Answer:
        """An answer made by hand, as faults send them."""
        pairs = {"content-type": content_type, "content-length": str(len(body))}
        pairs |= {name.lower(): value for name, value in headers.items()}
        return cls(status, tuple((name.encode(), value.encode()) for name, value in pairs.items()), body)

    def dated(self, now: datetime) -> Answer:
        """The same answer with the server's time, as a real server tells it."""
        return replace(self, headers=(*self.headers, (b"date", format_datetime(now, usegmt=True).encode())))

    def cut_short(self, *, promise_whole_length: bool) -> Answer:
        """The same answer with the last third of its body missing."""
        body = self.body[: len(self.body) * 2 // 3]
        if promise_whole_length:
            return replace(self, body=body)
        others = tuple(pair for pair in self.headers if pair[0] != b"content-length")
        return replace(self, body=body, headers=(*others, (b"content-length", str(len(body)).encode())))


class Exchange:
    """One request and the ways to end it: answer, go silent, hang up, reset."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.body = b""
        self._receive = receive
        self._send = send

    async def read(self) -> None:
        """Take in the whole request body; the handler is given it again later."""
        chunks: list[bytes] = []
        more = True
        while more:
            message = await self._receive()
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        self.body = b"".join(chunks)

    async def handle(self, app: ASGIApp) -> Answer:
        """Let the vendor's application do its work and keep its answer; nothing is sent."""
        messages: list[Message] = []
        given = iter([{"type": "http.request", "body": self.body, "more_body": False}])

        async def receive() -> Message:
            return next(given, {"type": "http.disconnect"})

        async def send(message: Message) -> None:
            messages.append(message)

        await app(self.scope, receive, send)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        return Answer(messages[0]["status"], tuple(tuple(pair) for pair in messages[0]["headers"]), body)

    async def reply(self, answer: Answer) -> None:
        """Send the answer; one whose Content-Length promises more than its body ends in a broken connection."""
        await self._send(
            {"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)},
        )
        promised = dict(answer.headers).get(b"content-length")
        short = promised is not None and int(promised) > len(answer.body)
        await self._send({"type": "http.response.body", "body": answer.body, "more_body": short})
        if short:
            self._transport.close()  # after what is buffered has left
            await self.gone()

    async def silence(self, seconds: float) -> bool:
        """Say nothing for so long; False when the client has left meanwhile."""
        try:
            await asyncio.wait_for(self.gone(), seconds)
        except TimeoutError:
            return True
        return False

    async def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.close()
        await self.gone()

    async def reset(self) -> None:
        """Close the connection with a TCP RST."""
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        await self.hang_up()

    def close(self) -> None:
        """Close the connection without an answer; `gone` returns once it is closed."""
        self._transport.abort()

    async def gone(self) -> None:
        """Wait until the client has left or the connection is closed."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    @property
    def _transport(self) -> asyncio.Transport:
        transport: asyncio.Transport = self.scope["extensions"][TRANSPORT]
        return transport

"""What no client of ours sends over a socket: messages, frames and handshakes, out of dice."""

import asyncio
import base64
import contextlib
import json
import random
import struct
from collections import Counter
from collections.abc import Mapping
from typing import Any

PATHS = ("/api/v1/cameras/{camera}/live", "/api/v1/events/live")
_SCALARS: tuple[Any, ...] = (None, True, -1, 0, 1.5, 2**63, 2**64, "", "1", [], {}, float("inf"))
NO_ANSWER = "no answer"
_ANSWER_S = 10.0
_AT_ONCE = 8
_TEXT, _BYTES = 1, 2


def wrong_message(dice: random.Random) -> str | bytes:
    """What a client might send: no JSON, other JSON, too much of it, or bytes."""
    match dice.randrange(7):
        case 0:
            return dice.randbytes(dice.randrange(64))
        case 1:
            return "[" * dice.randrange(1, 5000)
        case 2:
            return json.dumps({"ack": dice.choice(_SCALARS)})
        case 3:
            return '{"ack": ' + "9" * dice.randrange(1, 6000) + "}"
        case 4:
            return json.dumps({"ack": 1, f"k{dice.random()}": 1})
        case 5:
            return "".join(chr(dice.randrange(1, 0xD7FF)) for _ in range(dice.randrange(200)))
        case _:
            return json.dumps({"ack": 1})[: dice.randrange(10)]


def odd_headers(dice: random.Random) -> dict[bytes, bytes]:
    """Of a handshake."""
    odd: dict[bytes, bytes] = {}
    if dice.random() < 0.5:
        odd[b"origin"] = dice.choice((b"null", b"\xff\xfe", b"http://[", b"javascript:1", b""))
    if dice.random() < 0.5:
        odd[b"cookie"] = dice.randbytes(40)
    if dice.random() < 0.5:
        odd[b"authorization"] = dice.choice((b"Bearer", b"Bearer \xff", b"Basic x", b"\x00"))
    return odd


def odd_query(dice: random.Random) -> bytes:
    return dice.choice((b"", b"ticket=x", b"cursor=-1", b"fps=%ff", b"%00=%00", b"profile=full&profile=full", b"\xff"))


class WrongClient:
    """Clients that do all that, over the network. `headers`: who they are; `count`s what came of it."""

    def __init__(self, host: str, port: int, camera: str, headers: Mapping[str, str], dice: random.Random) -> None:
        self._host, self._port, self._headers, self._dice = host, port, headers, dice
        self._paths = [path.format(camera=camera) for path in PATHS]
        self.count: Counter[str] = Counter()

    async def come(self, number: int) -> None:
        """`number` of them, some at once."""
        left = iter(range(number))

        async def one_after_the_other() -> None:
            for _ in left:
                await self._visit()

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(one_after_the_other())

    async def _visit(self) -> None:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(self._host, self._port), _ANSWER_S)
        try:
            async with asyncio.timeout(_ANSWER_S):
                self.count[await self._misbehave(reader, writer)] += 1
        except TimeoutError:
            self.count[NO_ANSWER] += 1
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.count["cut off"] += 1
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), _ANSWER_S)

    async def _misbehave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Returns what came of it, by the name of what was done."""
        kind = self._dice.random()
        if kind < 0.3:
            whole = self._handshake({})
            writer.write(whole[: self._dice.randrange(1, len(whole))])
            await writer.drain()
            return "truncated handshake"
        if kind < 0.5:
            writer.write(self._handshake(odd_headers(self._dice), odd_query(self._dice)))
            return f"odd handshake {await _status(reader)}"
        writer.write(self._handshake({}))
        if (status := await _status(reader)) != "101":
            return f"handshake {status}"
        if kind < 0.85:
            message = wrong_message(self._dice)
            writer.write(_frame(message.encode(), _TEXT) if isinstance(message, str) else _frame(message, _BYTES))
            writer.write(_frame(b"[]", _TEXT))  # some are right by chance; this never is
            return f"wrong message {await _closing_code(reader)}"
        writer.write(self._wrong_frame())
        writer.write_eof()
        return f"wrong frame {await _closing_code(reader)}"

    def _handshake(self, odd: Mapping[bytes, bytes], query: bytes = b"") -> bytes:
        path = self._dice.choice(self._paths).encode()
        headers = {
            b"host": f"localhost:{self._port}".encode(),
            b"connection": b"Upgrade",
            b"upgrade": b"websocket",
            b"sec-websocket-version": b"13",
            b"sec-websocket-key": base64.b64encode(self._dice.randbytes(16)),
            **{name.lower().encode(): value.encode() for name, value in self._headers.items()},
            **odd,
        }
        lines = b"".join(b"%s: %s\r\n" % line for line in headers.items())
        return b"GET %s?%s HTTP/1.1\r\n%s\r\n" % (path, query, lines)

    def _wrong_frame(self) -> bytes:
        """Against RFC 6455: not masked, an opcode that there is not, no end of a control frame, a length that lies."""
        some = self._dice.randbytes(20)
        return self._dice.choice(
            (b"\x81\x05hello", b"\x83" + some, b"\x09\xff" + some, b"\x82\xff\x7f" + b"\xff" * 7, b"\xff" + some, some)
        )


def _frame(payload: bytes, opcode: int) -> bytes:
    """Masked with zeros, as a client's must be masked with something."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return bytes([0x80 | opcode]) + length + b"\0\0\0\0" + payload


async def _status(reader: asyncio.StreamReader) -> str:
    """Of an answer in HTTP, whose headers are read too."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head.split(b" ", 2)[1].decode()


async def _closing_code(reader: asyncio.StreamReader) -> str:
    """Of the frame that closes; whatever comes before is passed over. "none": the connection just ended."""
    while first := await reader.read(2):
        if len(first) < 2:
            first += await reader.readexactly(1)
        size = first[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        payload = await reader.readexactly(size)
        if first[0] & 0x0F == 8:
            return str(int.from_bytes(payload[:2], "big")) if payload else "1005"
    return "none"

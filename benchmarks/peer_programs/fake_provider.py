"""A provider that accepts every text: Twilio's REST API and Telegram's Bot API, as far as peers go.

    python fake_provider.py --port 9000 [--delay-ms 0]

A text carries its number as `#17#`. `GET /log` returns the moments of each call and of its
acceptance (monotonic seconds) by that number, and the URL at which an app asked for its texts;
`GET /count` their count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from urllib.parse import parse_qs

import httptools
import uvloop

MARKER = re.compile(rb"(?:#|%23)(\d+)(?:#|%23)")
OURS = "+61491570006"
TWILIO_MESSAGE = {
    "status": "queued",
    "num_segments": "1",
    "direction": "outbound-api",
    "date_created": "Thu, 26 Nov 2026 03:45:01 +0000",
    "date_updated": "Thu, 26 Nov 2026 03:45:01 +0000",
    "error_code": None,
    "from": OURS,
    "to": OURS,
    "body": "",
}
TELEGRAM_MESSAGE = {
    "message_id": 1,
    "date": 1_795_000_000,
    "chat": {"id": 1, "type": "private"},
    "text": "x",
}
TELEGRAM_USER = {"id": 1, "is_bot": True, "first_name": "Bot", "username": "a_bot"}


class Provider:
    """The texts that were accepted, and where texts to us are to be pushed."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.called_at, self.accepted_at = dict[int, float](), dict[int, float]()
        self.count, self.push_url = 0, ""

    def respond(self, path: str, body: bytes) -> tuple[int, object]:
        if path == "/count":
            return 200, {"all": self.count, "numbered": len(self.accepted_at)}
        if path == "/log":
            moments = {"called_at": self.called_at, "accepted_at": self.accepted_at}
            return 200, {**moments, "push_url": self.push_url}
        if "/IncomingPhoneNumbers" in path:
            return 200, self._numbers(body)
        if path.startswith("/bot"):
            return 200, {"ok": True, "result": self._telegram(path.rpartition("/")[2], body)}
        if not body:
            return 200, {"messages": [], "next_page_uri": None}
        self._accept(body)
        return 201, {"sid": f"SM{self.count:032x}", **TWILIO_MESSAGE}

    def note_call(self, body: bytes) -> None:
        found = MARKER.search(body)
        if found:
            self.called_at[int(found[1])] = time.monotonic()

    def _accept(self, body: bytes) -> None:
        found = MARKER.search(body)
        self.count += 1
        if found:
            self.accepted_at[int(found[1])] = time.monotonic()

    def _numbers(self, body: bytes) -> object:
        number = {"sid": f"PN{0:032x}", "phone_number": OURS, "sms_url": self.push_url}
        if body:
            self.push_url = parse_qs(body.decode())["SmsUrl"][0].partition("#")[0]
            return number
        return {"incoming_phone_numbers": [number]}

    def _telegram(self, method: str, body: bytes) -> object:
        if method == "sendMessage":
            self._accept(body)
            return TELEGRAM_MESSAGE
        return TELEGRAM_USER if method == "getMe" else True


class Connection(asyncio.Protocol):
    """One connection: parses requests, and answers each after the delay."""

    def __init__(self, provider: Provider) -> None:
        self._provider, self._body, self._url = provider, bytearray(), b""
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as for every TCP connection
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url, self._body = url, bytearray()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._provider.note_call(bytes(self._body))
        asyncio.get_running_loop().call_later(
            self._provider.delay_s, self._answer, self._url.decode(), bytes(self._body)
        )

    def _answer(self, path: str, body: bytes) -> None:
        status, content = self._provider.respond(path, body)
        encoded = json.dumps(content).encode()
        head = (
            f"HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\n"
            f"content-length: {len(encoded)}\r\n\r\n"
        )
        self._transport.write(head.encode() + encoded)


async def serve(port: int, delay_s: float) -> None:
    provider = Provider(delay_s)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(provider), "127.0.0.1", port
    )
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=float, default=0)
    told = parser.parse_args()
    uvloop.run(serve(told.port, told.delay_ms / 1_000))


if __name__ == "__main__":
    main()

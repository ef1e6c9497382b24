"""Texts to a server: as fast as connections go round (closed loop), or at a fixed rate (open).

    python load.py --url http://127.0.0.1:8000/sms --provider http://127.0.0.1:9000 --seconds 8
        [--form twilio|telegram] [--people 2000] [--greeted 2000] [--connections 32] [--rate 200]

First some say GO, which is not measured. Each text then carries its number, and its reply carries
that number back: in the answer to the text's webhook, or in a call to the fake provider. A reply
in an answer that asks for a receipt gets one, as Twilio sends it (`sent`).

At a fixed rate a text's latency runs from the moment when it was due, not from the moment when a
connection was free for it: else a server that stands still would also hold the clock still
(coordinated omission). Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import re
import time
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import httptools
import uvloop

OURS, TOKEN = "+61491570006", "12345678901234567890123456789012"
MARKER = re.compile(rb"#(\d+)#")
CALLBACK = re.compile(rb'statusCallback="([^"]+)"')
DRAIN_S = 60.0  # seconds that the last replies may take

# The fields of a text from the United States, as Twilio's page on webhooks lists them.
PLACE = {
    **{f"{end}Country": "AU" for end in ("To", "From")},
    **{f"{end}{part}": "" for end in ("To", "From") for part in ("State", "City", "Zip")},
}


def twilio_form(person: int, words: str, number: int, url: str) -> tuple[bytes, str]:
    sid = f"SM{number:032x}"
    fields = {
        **PLACE,
        **dict.fromkeys(("SmsMessageSid", "SmsSid", "MessageSid"), sid),
        "SmsStatus": "received",
        "NumMedia": "0",
        "NumSegments": "1",
        "Body": words,
        "From": f"+6149{person:07}",
        "To": OURS,
        "AccountSid": f"AC{0:032x}",
        "ApiVersion": "2010-04-01",
    }
    return signed_form(fields, url)


def twilio_receipt(number: int, url: str) -> tuple[bytes, str]:
    sid = f"SM{number:032x}"
    fields = {
        **dict.fromkeys(("SmsSid", "MessageSid"), sid),
        **dict.fromkeys(("SmsStatus", "MessageStatus"), "sent"),
        "From": OURS,
        "To": OURS,
        "AccountSid": f"AC{0:032x}",
        "ApiVersion": "2010-04-01",
    }
    return signed_form(fields, url)


def signed_form(fields: dict[str, str], url: str) -> tuple[bytes, str]:
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.digest(TOKEN.encode(), signed.encode(), hashlib.sha1)
    headers = (
        "content-type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        f"x-twilio-signature: {b64encode(digest).decode()}\r\n"
        "i-twilio-idempotency-token: 1d7e6b9f-7e2c-4f3b-9c53-1f0d8c1c2a11\r\n"
        "accept: */*\r\nuser-agent: TwilioProxy/1.1\r\n"
    )
    return urlencode(fields).encode(), headers


def telegram_update(person: int, words: str, number: int, url: str) -> tuple[bytes, str]:
    who = {"id": person + 1, "first_name": "Ann", "is_bot": False}
    message = {
        "message_id": number + 1,
        "date": int(time.time()),
        "from": who,
        "chat": {"id": person + 1, "type": "private", "first_name": "Ann"},
        "text": words,
    }
    update = {"update_id": number + 1, "message": message}
    return json.dumps(update).encode(), "content-type: application/json\r\n"


FORMS = {"twilio": twilio_form, "telegram": telegram_update}


class Texts:
    """The texts of a run: when each was due, when it was acknowledged, when its reply was there."""

    def __init__(self, url: str, form: str, people: int, *, wants_receipts: bool) -> None:
        self._url, self._form, self._people = url, FORMS[form], people
        self.wants_receipts, self._next = wants_receipts, 0
        self.due_at, self.acked_at, self.replied_at = (dict[int, float]() for _ in range(3))
        self.refused: Counter[int] = Counter()
        self.report: Callable[[tuple[int, bytes]], None] = lambda _: None

    def greeting(self) -> tuple[int, bytes]:
        return self._request("GO")

    def make(self, due_at: float) -> tuple[int, bytes]:
        number, request = self._request(f"#{self._next}#")
        self.due_at[number] = due_at
        return number, request

    def _request(self, words: str) -> tuple[int, bytes]:
        number = self._next
        self._next += 1
        body, headers = self._form(number % self._people, words, number, self._url)
        return number, post(self._url, headers, body)

    def answered(self, number: int, status: int, body: bytes) -> None:
        now = time.monotonic()
        callback = CALLBACK.search(body) if self.wants_receipts else None
        if callback:
            url = callback[1].decode()
            form, headers = twilio_receipt(number, url)
            self.report((-1, post(url, headers, form)))
        if number not in self.due_at:
            return
        if status >= 300:
            self.refused[status] += 1
            return
        self.acked_at[number] = now
        found = MARKER.search(body)
        if found:
            self.replied_at[int(found[1])] = now


def post(url: str, headers: str, body: bytes) -> bytes:
    split = urlsplit(url)
    head = f"POST {split.path} HTTP/1.1\r\nhost: {split.netloc}\r\n{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One connection: a text, its answer, the next text."""

    def __init__(self, load: Load, texts: Texts) -> None:
        self._load, self._texts, self._body = load, texts, bytearray()
        self._number: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as for every TCP connection
        self._transport, self._parser = transport, httptools.HttpResponseParser(self)

    def send(self, text: tuple[int, bytes]) -> None:
        self._number, self._body = text[0], bytearray()
        self._transport.write(text[1])

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        assert self._number is not None
        self._texts.answered(self._number, self._parser.get_status_code(), bytes(self._body))
        self._number = None
        if self._parser.should_keep_alive():
            self._load.freed(self)
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._number is not None:
            self._texts.refused[0] += 1
        self._load.lost(self)


class Load:
    """The connections, and how texts are given to them."""

    def __init__(self, texts: Texts, host: str, port: int) -> None:
        self._texts, self._host, self._port = texts, host, port
        self._free: deque[Connection] = deque()
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._next: Callable[[], tuple[int, bytes] | None] = lambda: None
        self._tasks: list[asyncio.Future[None]] = []
        self.busy = 0

    async def connect(self, count: int) -> None:
        for _ in range(count):
            self._free.append(await self._connection())

    async def _connection(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self, self._texts), self._host, self._port
        )
        return connection

    def freed(self, connection: Connection) -> None:
        text = self._waiting.popleft() if self._waiting else self._next()
        if text is None:
            self.busy -= 1
            self._free.append(connection)
        else:
            connection.send(text)

    def lost(self, connection: Connection) -> None:
        """Connect again, where the server has hung up."""
        if connection in self._free:
            self._free.remove(connection)
            self.busy += 1
        self._tasks.append(asyncio.ensure_future(self._reconnect()))

    async def _reconnect(self) -> None:
        self.freed(await self._connection())

    def send(self, text: tuple[int, bytes]) -> None:
        if not self._free:
            self._waiting.append(text)
            return
        self.busy += 1
        self._free.popleft().send(text)

    async def go_round(self, make: Callable[[], tuple[int, bytes] | None]) -> None:
        """Send the texts that `make` returns, over every connection, until it returns None."""
        self._next = make
        for _ in range(len(self._free)):
            if (text := make()) is not None:
                self.send(text)
        await self.idle()

    async def idle(self) -> None:
        until = time.monotonic() + DRAIN_S
        while (self.busy or self._waiting) and time.monotonic() < until:  # noqa: ASYNC110 -- an end may never come
            await asyncio.sleep(0.005)
        self._next = lambda: None


async def closed_loop(texts: Texts, load: Load, seconds: float) -> float:
    began = time.monotonic()

    def make() -> tuple[int, bytes] | None:
        now = time.monotonic()
        return texts.make(now) if now < began + seconds else None

    await load.go_round(make)
    return began


async def open_loop(texts: Texts, load: Load, seconds: float, rate: float) -> float:
    began = time.monotonic()
    for n in range(int(seconds * rate)):
        due_at = began + n / rate
        pause = due_at - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        load.send(texts.make(due_at))
    await load.idle()
    return began


def ask(provider: str, what: str) -> dict[str, Any]:
    with urlopen(f"{provider}/{what}") as response:
        answer: dict[str, Any] = json.load(response)
    return answer


async def drained(provider: str, name: str, enough: int) -> None:
    """Wait until the provider has so many texts, for a minute at most."""
    until = time.monotonic() + DRAIN_S
    while ask(provider, "count")[name] < enough and time.monotonic() < until:  # noqa: ASYNC110 -- the count is another process's
        await asyncio.sleep(0.05)


async def measure(told: argparse.Namespace) -> dict[str, Any]:
    split = urlsplit(told.url)
    texts = Texts(told.url, told.form, told.people, wants_receipts=told.receipts)
    load, reports = (Load(texts, split.hostname or "", split.port or 80) for _ in range(2))
    await load.connect(told.connections)
    await reports.connect(4)
    texts.report = reports.send
    greetings = iter([texts.greeting() for _ in range(told.greeted)])
    await load.go_round(lambda: next(greetings, None))
    if told.replies == "call":
        await drained(told.provider, "all", told.greeted)
    print("greeted", flush=True)
    if told.rate:
        began = await open_loop(texts, load, told.seconds, told.rate)
    else:
        began = await closed_loop(texts, load, told.seconds)
    wanted = len(texts.acked_at) - len(texts.replied_at)
    await drained(told.provider, "numbered", wanted)
    log = ask(told.provider, "log")
    left, accepted = (
        {int(number): at for number, at in log[key].items()} for key in ("called_at", "accepted_at")
    )
    replied = texts.replied_at  # in the webhook's answer
    return summary(texts, {**left, **replied}, {**accepted, **replied}, began, told.seconds)


def summary(
    texts: Texts,
    left_at: dict[int, float],
    replied_at: dict[int, float],
    began: float,
    seconds: float,
) -> dict[str, Any]:
    """The result of a run. A text that was acknowledged and has no reply is in `lost`."""
    ended = began + seconds
    waits = sorted(
        replied_at[number] - due for number, due in texts.due_at.items() if number in replied_at
    )
    acked, left = by_second(texts.acked_at, began), by_second(left_at, began)
    whole_seconds = range(int(seconds))
    shares = [left[second] / acked[second] for second in whole_seconds if acked[second]]
    return {
        "texts": len(texts.acked_at),
        "acked_per_s": sum(at <= ended for at in texts.acked_at.values()) / seconds,
        "replied_per_s": sum(at <= ended for at in replied_at.values()) / seconds,
        "answered_per_s": len(replied_at) / (max(replied_at.values(), default=ended) - began),
        "least_share_left_in_a_second": min(shares, default=0.0),
        "acked_in_seconds": [acked[second] for second in whole_seconds],
        "left_in_seconds": [left[second] for second in whole_seconds],
        "drained_after_s": max(replied_at.values(), default=ended) - ended,
        "latency_ms": {f"p{p}": 1e3 * percentile(waits, p) for p in (50, 90, 99)},
        "lost": len(texts.acked_at.keys() - replied_at.keys()),
        "refused": texts.refused,
    }


def by_second(moments: dict[int, float], began: float) -> Counter[int]:
    return Counter(int(at - began) for at in moments.values())


def percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--provider", required=True)
    parser.add_argument("--form", choices=FORMS, default="twilio")
    parser.add_argument("--replies", choices=("answer", "call"), default="call")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--greeted", type=int, default=2_000)
    parser.add_argument("--receipts", type=int, default=0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0)
    print(json.dumps(uvloop.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()

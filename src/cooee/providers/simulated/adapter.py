"""The simulated company: everything a company may or may not offer, by switches."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlencode

import msgspec

from cooee.core.errors import PermanentFailure, RequestRefused, SettingError
from cooee.core.http_messages import Flow, Request
from cooee.core.messages import Outbound, Receipt
from cooee.providers import Accepted, Credentials, Features, News, Received, Setting, Subscription
from cooee.providers.simulated.payloads import (
    read_accepted,
    read_inbound,
    read_receipt,
    refusal,
    written,
)

_READING: Sequence[Literal["pop", "cursor", "confirm"]] = ("pop", "cursor", "confirm")
_SWITCHES = frozenset({*_READING, "lookup", "idempotency", "optout"})
_PAGE = 50  # texts in one reading
_SETTLES = timedelta(seconds=5)
_FRESH = timedelta(minutes=5)  # how old a signature may be


class Simulated:
    """The adapter to the carrier in a box's own API, which can be switched to any semantics.

    `SIMULATED_SWITCHES` names how reading behaves (*pop*, *cursor* or *confirm*) and what
    else there is: *lookup* by our id, *idempotency* keys, opt-out words of the company's own
    (*optout*). The box has to be switched alike.
    """

    name: ClassVar[str] = "simulated"
    settings: ClassVar[Sequence[Setting]] = (
        Setting("SIMULATED_BASE_URL", "where the box is", "http://127.0.0.1:8400/simulated/v1"),
        Setting(
            "SIMULATED_KEY", "any word, or the one the box was given", "simulated", secret=True
        ),
        Setting("SIMULATED_SWITCHES", "what it can do, with commas between", "pop"),
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        """Take the settings.

        Raises:
            SettingError: a switch is unknown, there are two ways of reading, or no URL.
        """
        base, self._key, switches = (
            values.get(setting.name, "").strip() or setting.default or ""
            for setting in self.settings
        )
        if not base.startswith(("http://", "https://")):
            raise SettingError(f"SIMULATED_BASE_URL is {base!r}, not a URL. Leave it out, mostly.")
        self._base = base.rstrip("/")
        self._secret = hmac.digest(self._key.encode(errors="replace"), b"webhook", "sha256").hex()
        self.features = _features(_read_switches(switches))

    def __repr__(self) -> str:
        return f"<Simulated at {self._base}>"

    # Our side

    def login(self) -> Flow[Credentials]:
        """There is nothing to ask for: the key is the credentials, and does not end."""
        yield from ()
        return Credentials(self._key)

    def subscribe(
        self, credentials: Credentials, hook: str | None, *, keep: bool = False
    ) -> Flow[Subscription]:
        """Take the first number, and have its texts pushed to ``hook/text`` or kept."""
        look = self._request("GET", "/numbers", credentials, safe=True)
        found = yield look
        match found.json():
            case [{"number": str(number)}, *_] if found.status == 200 and number:
                pass
            case _:
                raise refusal(look, found)
        if keep:
            return Subscription(number, notes=["Pushing or reading was left as it is."])
        way = {"number": number, "url": hook, "secret": self._secret}
        order = self._request("PUT", "/webhook", credentials, way, safe=True)
        made = yield order
        if made.status != 200:
            raise refusal(order, made)
        return Subscription(number, hook)

    # Texts

    def send(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted]:
        """Hand over one text, with our id for its reference (and as the idempotency key)."""
        if len(outbound.text) > self.features.max_text:
            raise PermanentFailure(
                f"The text has {len(outbound.text)} characters; 1600 fit.", code="text-too-long"
            )
        if outbound.media:
            raise PermanentFailure("Texts with media cannot be sent by this provider.")
        once = self.features.idempotency
        request = self._request("POST", "/texts", credentials, written(outbound), safe=once)
        if once:
            headers = {**request.headers, "idempotency-key": outbound.id}
            request = msgspec.structs.replace(request, headers=headers)
        answer = yield request
        accepted = read_accepted(answer.json())
        if answer.status != 201 or accepted is None:
            raise refusal(request, answer)
        return accepted

    def poll(self, credentials: Credentials, cursor: str) -> Flow[News]:
        """Read what is there, in the way that is switched on."""
        way = self.features.polling
        query = {"after": cursor, "limit": str(_PAGE)} if way == "cursor" and cursor else {}
        request = self._request("GET", "/inbox", credentials, query=query, safe=way != "pop")
        answer = yield request
        match answer.json():
            case {"texts": list() as texts} as body if answer.status == 200 and answer.at:
                read = [text for each in texts if (text := read_inbound(each, answer.at))]
            case _:
                raise refusal(request, answer)
        if len(read) < len(texts):
            raise refusal(request, answer)
        further = body.get("cursor")
        return News(
            read,
            more=bool(read) if way == "pop" else len(read) >= _PAGE,
            cursor=further if way == "cursor" and isinstance(further, str) else cursor,
            confirm=[text.provider_id for text in read] if way == "confirm" else (),
        )

    def confirm(self, credentials: Credentials, ids: Sequence[str]) -> Flow[None]:
        """Say that the texts are stored; they are not given again."""
        told = {"ids": list(ids)}
        request = self._request("POST", "/inbox/confirmed", credentials, told, safe=True)
        answer = yield request
        if answer.status != 204:
            raise refusal(request, answer)

    def status(self, outbound: Outbound, credentials: Credentials) -> Flow[Receipt | None]:
        """Ask how a text fares."""
        if not outbound.provider_id:
            return None
        path = f"/texts/{quote(outbound.provider_id, safe='')}"
        request = self._request("GET", path, credentials, safe=True)
        answer = yield request
        if answer.status == 404:
            return None
        receipt = read_receipt(answer.json(), outbound.id)
        if answer.status != 200 or receipt is None:
            raise refusal(request, answer)
        return receipt

    def lookup(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted | None]:
        """Ask by our id whether a text had arrived; a "no" counts after 5 seconds."""
        query = {"reference": outbound.id}
        request = self._request("GET", "/texts", credentials, query=query, safe=True)
        answer = yield request
        match answer.json():
            case {"texts": []} if answer.status == 200:
                return None
            case {"texts": [first, *_]} if answer.status == 200 and (found := read_accepted(first)):
                return found
        raise refusal(request, answer)

    def receive(self, request: Request, tail: str, at: datetime) -> Received:
        """Verify a push, then read it: ``text``, or ``status/`` and our id of the text."""
        kind, _, name = tail.partition("/")
        if kind not in ("text", "status") or (kind == "text" and name):
            raise RequestRefused("The box pushes to text and status/… only.", 404)
        if request.method != "POST":
            raise RequestRefused("The box pushes by POST.", 405)
        self._verify(request, at)
        body = request.json()
        if kind == "text":
            inbound = read_inbound(body, at)
            if inbound is None:
                raise RequestRefused("A pushed text has id, from, to and text; this lacks one.")
            return Received(inbounds=[inbound])
        receipt = read_receipt(body, name)
        if receipt is None:
            raise RequestRefused("A pushed status has id, reference and status; this lacks one.")
        return Received(receipts=[receipt])

    def _verify(self, request: Request, at: datetime) -> None:
        """Hold the signature ``t=<unix seconds>,v1=<hex>`` against the body, in constant time."""
        parts = request.headers.get("x-simulated-signature", "").split(",")
        given = dict(part.strip().partition("=")[::2] for part in parts)
        stamp = given.get("t", "").encode(errors="replace")
        signed = hmac.new(self._secret.encode(), stamp + b"." + request.body, "sha256").hexdigest()
        if not hmac.compare_digest(signed.encode(), given.get("v1", "").encode(errors="replace")):
            raise RequestRefused("The signature is not the box's.", 401)
        seconds = int(stamp) if stamp.isdigit() and len(stamp) <= 12 else 0
        if abs(at.timestamp() - seconds) > _FRESH.total_seconds():
            raise RequestRefused("The signature is more than 5 minutes off.", 401)

    def _request(
        self,
        method: str,
        path: str,
        credentials: Credentials,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        safe: bool = False,
    ) -> Request:
        headers = {"authorization": f"Bearer {credentials.secret}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        return Request(
            method=method,
            url=self._base + path + (f"?{urlencode(query)}" if query else ""),
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            safe=safe,
        )


def _read_switches(words: str) -> frozenset[str]:
    switches = frozenset(filter(None, (word.strip().lower() for word in words.split(","))))
    unknown = sorted(switches - _SWITCHES)
    if unknown:
        raise SettingError(
            f"SIMULATED_SWITCHES has {', '.join(unknown)};"
            f" there are {', '.join(sorted(_SWITCHES))}."
        )
    if len(switches.intersection(_READING)) > 1:
        raise SettingError("SIMULATED_SWITCHES takes one of pop, cursor and confirm.")
    return switches


def _features(switches: frozenset[str]) -> Features:
    return Features(
        polling=next((way for way in _READING if way in switches), "pop"),
        push=True,
        receipts="callback",
        max_text=1600,
        lookup_settles=_SETTLES if "lookup" in switches else None,
        idempotency="idempotency" in switches,
        optout_words=frozenset({"STOP", "UNSUBSCRIBE"} if "optout" in switches else ()),
        signed=True,
    )

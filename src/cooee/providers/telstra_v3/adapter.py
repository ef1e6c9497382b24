"""Telstra Messaging API v3: a token, a virtual number, texts out, and a log of texts in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import msgspec

from cooee.core.errors import PermanentFailure, ProviderFailure, RequestRefused, SettingError
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Outbound, Receipt
from cooee.providers import Accepted, Credentials, Features, News, Received, Setting, Subscription
from cooee.providers.json_fields import count, later, word
from cooee.providers.telstra_v3 import payloads as wire
from cooee.providers.telstra_v3.cursor import PAGE, Place, beginning, place, reading
from cooee.providers.telstra_v3.errors import complaints, refusal, refuses_notification

_API, _TOKEN = "/messaging/v3", "/v2/oauth/token"  # of the same host; v2 in the token's path
_NUMBERS, _MESSAGES = "/virtual-numbers", "/messages"
_SCOPES = "messages:read messages:write virtual-numbers:read virtual-numbers:write"
_KEPT = timedelta(days=29)  # less than the 30 days that Telstra keeps messages
_LAST_OFFSET = 999_999
_KEYS = (
    "Check TELSTRA_CLIENT_ID and TELSTRA_CLIENT_SECRET; keys of v2 are not good for v3. Where"
    " they are right, check TELSTRA_BASE_URL."
)
_NOT_OURS = (
    "TELSTRA_NUMBER is not a virtual number of this account, or no longer. Set it to one that"
    " is, or leave it out."
)


class TelstraV3:
    """The adapter; a fact without a source here is from Telstra's OpenAPI spec or Python SDK.

    It reads a *cursor*: Telstra keeps a log of 30 days, and nobody but we can tell which of
    its texts were read. The cursor and its overlap are in `telstra_v3_log`.

    Assumptions, for which there is no source: a message can be found by its tag a minute after
    it was sent at the latest (`lookup_settles`; v2's statuses took seconds). A push is
    answered by 204, as v2 wants it. The required headers go with every call, since whether
    they are insisted on is unsaid. The scopes are those of Telstra's Python SDK, of which its
    Node SDK spells one otherwise. Words that opt a person out act where they are the whole
    text, and START undoes them.
    """

    name: ClassVar[str] = "telstra-v3"
    settings: ClassVar[Sequence[Setting]] = (
        Setting("TELSTRA_CLIENT_ID", "the app's client id, from dev.telstra.com"),
        Setting("TELSTRA_CLIENT_SECRET", "the app's client secret", secret=True),
        Setting(
            "TELSTRA_BASE_URL", "where the API is", "https://products.api.telstra.com/messaging/v3"
        ),
        Setting("TELSTRA_NUMBER", "which virtual number; unset: the first, or a new one", ""),
    )
    features = Features(
        polling="cursor",
        push=True,
        receipts="callback",
        max_text=1600,
        lookup_settles=timedelta(minutes=1),
        optout_words=frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "QUIT", "END", "CANCEL"}),
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        """Take the settings, without stray spaces.

        Raises:
            SettingError: one is missing, the base is not a URL of v3, or the number is none.
        """
        self._id, self._secret, base, number = (
            _setting(values, setting) for setting in self.settings
        )
        self._base = base.rstrip("/")
        if not base.startswith(("https://", "http://")) or not self._base.endswith(_API):
            raise SettingError(
                f"TELSTRA_BASE_URL is {base!r}, and should be a URL that ends in {_API}."
                " Leave it out, mostly."
            )
        self._number = wire.virtual(number)
        if number and not self._number:
            raise SettingError(
                f"TELSTRA_NUMBER is {number!r}, and should look like 0400000000 or +61400000000."
            )

    def __repr__(self) -> str:
        return f"<TelstraV3 at {self._base}>"

    # Our side: a token, and a number

    def login(self) -> Flow[Credentials]:
        """Get a token; it lasts an hour, and `expires_in` says so in a string.

        Raises:
            PermanentFailure: the keys are not accepted, or the base URL is wrong.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": self._id,
            "client_secret": self._secret,
            "scope": _SCOPES,
        }
        request = Request(
            method="POST",
            url=self._base.removesuffix(_API) + _TOKEN,
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "*/*"},
            body=urlencode(form, errors="replace").encode(),
            safe=True,
        )
        answer = yield request
        body = answer.json()
        token = word(body, "access_token", longest=4096)
        if answer.status == 200 and token:
            life = count(body.get("expires_in"))
            return Credentials(token, later(answer.at, timedelta(seconds=1), life))
        raise _not_let_in(request, answer)

    def subscribe(
        self, credentials: Credentials, hook: str | None, *, keep: bool = False
    ) -> Flow[Subscription]:
        """Make sure of a virtual number, and of where replies to it go.

        It is `TELSTRA_NUMBER`, else the lowest that the account has, else a new one. A PUT
        replaces all of a number, so it repeats the tags, and is made only where the way has to
        change. Our own number is part of the URL that replies are pushed to: it tells which
        end of a pushed text we are.

        Raises:
            PermanentFailure: Telstra gives this account no number, or not that one.
        """
        number, notes = yield from self._which(credentials)
        look = self._request("GET", f"{_NUMBERS}/{number}", credentials)
        found = yield look
        had = wire.held(found.json())
        if found.status != 200 or had is None:
            raise _lost(look, found)
        way = had.pushes_to if keep else f"{hook.rstrip('/')}/reply/{number}" if hook else None
        if way == had.pushes_to:
            return had.subscription(notes, found.at)
        order = self._request("PUT", f"{_NUMBERS}/{number}", credentials, had.told(way), safe=True)
        made = yield order
        if made.status != 200:
            raise refusal(order, made)
        changed = msgspec.structs.replace(had, pushes_to=way)
        return changed.subscription(notes, found.at)

    def _which(self, credentials: Credentials) -> Flow[tuple[str, Sequence[str]]]:
        """Our number in national form, found or assigned, and what is to be said of it."""
        if self._number:
            return self._number, ()
        look = self._request("GET", f"{_NUMBERS}?limit={PAGE}", credentials)
        found = yield look
        numbers = wire.all_held(found.json())
        if found.status != 200 or numbers is None:
            raise refusal(look, found)
        if numbers:
            several = f"The account has {len(numbers)} numbers: set TELSTRA_NUMBER to one of them."
            return numbers[0].number, (several,) if len(numbers) > 1 else ()
        order = self._request("POST", _NUMBERS, credentials, {})
        made = yield order
        new = wire.held(made.json())
        if made.status not in (200, 201) or new is None:
            raise _lost(order, made)
        return new.number, ()

    # Texts

    def send(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted]:
        """Hand over one text, tagged with our id, and ask for news of its delivery.

        The news is a paid feature. Where it is refused, nothing was sent, and the text goes
        again at once without it: then its status is no more than "sent", and is asked for.
        """
        if len(outbound.text) > self.features.max_text:
            raise PermanentFailure(
                f"The text has {len(outbound.text)} characters; Telstra takes 1600.",
                code="FIELD_LENGTH_ERR",
                hint="Split it.",
            )
        if outbound.media:
            raise PermanentFailure(
                "Texts with media cannot be sent by this provider yet: Telstra wants the media"
                " themselves, not where they are."
            )
        answer = yield (request := self._order(outbound, credentials, notified=True))
        if refuses_notification(answer):
            answer = yield (request := self._order(outbound, credentials, notified=False))
        if 200 <= answer.status < 300 and (accepted := wire.accepted(answer.json())):
            return accepted
        raise refusal(request, answer)

    def poll(self, credentials: Credentials, cursor: str) -> Flow[News]:
        """Read the next page of the log of texts to us; the first reading only finds its end."""
        here = place(cursor)
        if here is None:
            return (yield from self._begin(credentials))
        answer = yield (request := self._page(here, credentials))
        if answer.status == 400 and _forgotten(here, answer):
            here = msgspec.structs.replace(here, start=None, skip=0)
            answer = yield (request := self._page(here, credentials))
        items = wire.messages(answer.json())
        if answer.status != 200 or items is None:
            raise refusal(request, answer)
        assert answer.at is not None, "A transport stamps its answers."
        texts, there, more = reading(here, items, answer.at)
        return News(texts, more=more, cursor=there.cursor)

    def _begin(self, credentials: Credentials) -> Flow[News]:
        number, _ = yield from self._which(credentials)
        query = {"direction": "incoming", "limit": str(PAGE), "reverse": "true"}
        request = self._request("GET", f"{_MESSAGES}?{urlencode(query)}", credentials)
        answer = yield request
        items = wire.messages(answer.json())
        if answer.status != 200 or items is None:
            raise refusal(request, answer)
        assert answer.at is not None, "A transport stamps its answers."
        return News(cursor=beginning(wire.international(number), items, answer.at).cursor)

    def status(self, outbound: Outbound, credentials: Credentials) -> Flow[Receipt | None]:
        """Ask how a text fares; None where Telstra does not know it yet, or no more."""
        if not outbound.provider_id:
            return None
        path = f"{_MESSAGES}/{quote(outbound.provider_id, safe='')}"
        answer = yield (request := self._request("GET", path, credentials))
        codes = {complaint.code for complaint in complaints(answer.json())}
        if answer.status == 404 or codes & {"ID_NOT_ASSIGNED", "TIMEFRAME_ERR"}:
            return None
        receipt = wire.receipt(answer.json(), outbound.id)
        if answer.status != 200 or receipt is None:
            raise refusal(request, answer)
        return msgspec.structs.replace(receipt, provider_id=outbound.provider_id)

    def lookup(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted | None]:
        """Ask by our tag whether a text had arrived.

        A "no" counts only from a list that is whole: a full page without the text, or a text
        so old that Telstra forgets it, leaves the doubt.
        """
        query = {"direction": "outgoing", "limit": str(PAGE), "reverse": "true"}
        query["filter"] = outbound.id
        request = self._request("GET", f"{_MESSAGES}?{urlencode(query)}", credentials)
        answer = yield request
        items = wire.messages(answer.json())
        if answer.status != 200 or items is None:
            raise refusal(request, answer)
        found = wire.tagged(items, outbound.id)
        old = outbound.at and answer.at and answer.at - outbound.at > _KEPT
        if found is None and (old or len(items) >= PAGE):
            raise PermanentFailure("Telstra's list of messages does not tell whether it arrived.")
        return found

    def optouts(self, credentials: Credentials) -> Flow[Sequence[str]]:
        """Who opted out of our number, as E.164 numbers.

        Whether `offset` counts pages or records is unsaid. The second page tells: where it
        begins with what the first had, it counts records.
        """
        number, _ = yield from self._which(credentials)
        found: dict[str, None] = {}
        offset, step = 0, 1
        while offset <= _LAST_OFFSET:
            path = f"{_NUMBERS}/{number}/optouts?limit={PAGE}&offset={offset}"
            answer = yield (request := self._request("GET", path, credentials))
            page = wire.optouts(answer.json())
            if answer.status != 200 or page is None:
                raise refusal(request, answer)
            if offset == 1 and any(one in found for one in page):
                step = PAGE
            before = len(found)
            found.update(dict.fromkeys(page))
            if len(page) < PAGE or len(found) == before:
                break
            offset += step
        return list(found)

    def receive(self, request: Request, tail: str, at: datetime) -> Received:
        """Read a push: ``reply/`` and our number, or ``status/`` and our id of the text.

        Nothing signs them; the secret is the hook's path. Whether Telstra pushes again what is
        not answered by a 2xx is unsaid.
        """
        kind, _, name = tail.partition("/")
        if kind not in ("reply", "status"):
            raise RequestRefused("Telstra pushes to reply/… and status/… only.", 404)
        if request.method != "POST":
            raise RequestRefused("Telstra pushes by POST.", 405)
        body = request.json()
        if kind == "reply":
            return Received(inbounds=[wire.pushed(body, wire.international(name), at)])
        return Received(receipts=[wire.reported(body, name)])

    def confirm(self, credentials: Credentials, ids: Sequence[str]) -> Flow[None]:
        """Telstra v3 has none; `features` says so, and the runtime never asks."""
        raise PermanentFailure("Telstra v3 confirms nothing: its log is only read.")

    # Requests

    def _order(self, outbound: Outbound, credentials: Credentials, *, notified: bool) -> Request:
        body = wire.message(outbound, notified=notified)
        return self._request("POST", _MESSAGES, credentials, body)

    def _page(self, here: Place, credentials: Credentials) -> Request:
        return self._request("GET", f"{_MESSAGES}?{urlencode(here.query)}", credentials)

    def _request(
        self,
        method: str,
        path: str,
        credentials: Credentials,
        body: Mapping[str, Any] | None = None,
        *,
        safe: bool = False,
    ) -> Request:
        """A request with the headers that are required of each, even of those without a body."""
        return Request(
            method=method,
            url=self._base + path,
            headers={
                "authorization": f"Bearer {credentials.secret}",
                "accept": "application/json",
                "accept-charset": "utf-8",
                "content-language": "en-au",
                "content-type": "application/json",
                "telstra-api-version": "3.x",
            },
            body=b"" if body is None else msgspec.json.encode(body),
            safe=safe or method == "GET",
        )


def _setting(values: Mapping[str, str], setting: Setting) -> str:
    value = values.get(setting.name, setting.default or "").strip() or setting.default
    if value is not None:
        return value
    raise SettingError(f"{setting.name} is missing ({setting.help}): {setting.name}=…")


def _not_let_in(request: Request, answer: Response) -> ProviderFailure:
    if answer.status in (400, 401, 404):
        return refusal(request, answer, kind=PermanentFailure, hint=_KEYS)
    return refusal(request, answer)


def _lost(request: Request, answer: Response) -> ProviderFailure:
    """A number that is not to be had: waiting does not help, an operator has to look."""
    if answer.status in (400, 404):
        return refusal(request, answer, kind=PermanentFailure, hint=_NOT_OURS)
    return refusal(request, answer, kind=PermanentFailure if answer.status == 402 else None)


def _forgotten(here: Place, answer: Response) -> bool:
    """Whether the place is older than Telstra's log, which then begins behind it."""
    return bool(here.start and answer.at and answer.at - here.start > _KEPT)

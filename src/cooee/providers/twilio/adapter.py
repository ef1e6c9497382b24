"""Twilio's Programmable Messaging: texts out by REST, texts in by webhook or from the log."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote, urlencode

import msgspec

from cooee.core.errors import OutcomeUnknown, PermanentFailure, RequestRefused
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Inbound, Media, Outbound, Receipt
from cooee.providers import Accepted, Credentials, Features, News, Received, Setting, Subscription
from cooee.providers.twilio.cursor import Bookmark, beginning, bookmark, candidates, same_words
from cooee.providers.twilio.errors import KEYS, refusal
from cooee.providers.twilio.forms import MOST_MEDIA, fields, pushed, reported, written
from cooee.providers.twilio.payloads import (
    Message,
    Number,
    accepted,
    message,
    moment,
    numbers,
    page,
)
from cooee.providers.twilio.settings import SETTINGS, told
from cooee.providers.twilio.signature import verify
from cooee.providers.twilio.twiml import twiml

_OURS, _TEXTS = "/IncomingPhoneNumbers", "/Messages"
_PAGE = 50
_CLOCKS = timedelta(minutes=10)  # how far apart two clocks may be
_AGAIN = "#rc=5&rp=all"  # five more tries of a push that failed, all within Twilio's 15 seconds
_OUR_HOOK = re.compile(r"https?://[^#?]+/twilio/[^/#?]+/text(#.*)?")
_HELD = timedelta(seconds=8)  # of the 15 that Twilio gives all tries of a push together


class Twilio:
    """The adapter; a fact without a source here is from Twilio's Python SDK 9.13 and its pages.

    It has not been tried on a live account yet. Pushed texts carry no stamp, so they count from
    the moment they came. Twilio's log of texts can be read as well (*cursor*): it is never
    emptied, so a text that no push could bring is found there.

    Assumptions, for which there is no source: the log is sorted by date, youngest first, and
    a text shows up in it within 2 minutes (`lookup`: an accepted one within one); a text of
    ours that was accepted is in it under the number it was sent from. Twilio keeps no id of
    ours and has no idempotency key.
    """

    name: ClassVar[str] = "twilio"
    settings: ClassVar[Sequence[Setting]] = SETTINGS
    features: Features = Features(
        polling="cursor",
        push=True,
        receipts="callback",
        max_text=1600,
        lookup_settles=timedelta(minutes=1),
        media=True,
        optout_words=frozenset(
            {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
        ),
        signed=True,
        backfill=True,
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        """Take the settings, without stray spaces.

        Raises:
            SettingError: one is missing, or is not what it should be; the message says which.
        """
        known = told(values)
        self._token, self._shared = known.token, known.shared
        self._basic = b64encode(known.pair.encode(errors="replace")).decode()
        self._number, self._service = known.number, known.service
        self._base, self._account = known.base, f"/2010-04-01/Accounts/{known.sid}"
        if known.answers:
            self.features = msgspec.structs.replace(self.features, answer_within=_HELD)

    def __repr__(self) -> str:
        return f"<Twilio at {self._base}>"

    # Our side: keys, and a number

    def login(self) -> Flow[Credentials]:
        """Try the keys, by asking for a number: they do not end, but they may be wrong.

        Raises:
            PermanentFailure: the keys are not accepted, or the base URL is wrong.
        """
        credentials = Credentials(self._basic)
        look = self._get(f"{_OURS}.json", credentials, {"PageSize": "1"})
        answer = yield look
        if answer.status == 200 and numbers(answer.json()) is not None:
            return credentials
        if answer.status in (400, 401, 403, 404):
            raise refusal(look, answer, kind=PermanentFailure, hint=KEYS)
        raise refusal(look, answer)

    def subscribe(
        self, credentials: Credentials, hook: str | None, *, keep: bool = False
    ) -> Flow[Subscription]:
        """Find our number, and have its texts pushed to ``hook/text``, by POST.

        Without a hook, only a URL of cooee's own is taken away: somebody else's push does not
        keep us from reading the log, so it stays, with a note. A TwiML application on the
        number would go before its URL, and is taken off when we push.

        Raises:
            PermanentFailure: the account has no such number, or several and none was named.
        """
        query = {"PhoneNumber": self._number} if self._number else {"PageSize": "20"}
        look = self._get(f"{_OURS}.json", credentials, query)
        found = yield look
        held = numbers(found.json()) if found.status == 200 else None
        if held is None:
            raise refusal(look, found)
        ours = self._choose(held)
        if keep:
            notes = ["Pushing or reading was left as it is."]
            return Subscription(ours.number, ours.pushes_to, notes=notes)
        way = None if hook is None else f"{hook.rstrip('/')}/text{_AGAIN}"
        change = _change(ours, way)
        if change:
            order = self._post(f"{_OURS}/{quote(ours.sid, safe='')}.json", credentials, change)
            order = msgspec.structs.replace(order, safe=True)
            made = yield order
            if made.status != 200:
                raise refusal(order, made)
        pushes_to = None if way is None else way.removesuffix(_AGAIN)
        return Subscription(ours.number, pushes_to, notes=self._notes(ours, way))

    def _choose(self, held: Sequence[Number]) -> Number:
        fitting = [one for one in held if self._number in ("", one.number)]
        if len(fitting) == 1:
            return fitting[0]
        if self._number or not held:
            raise PermanentFailure(
                "The account has no number" + (" that is TWILIO_NUMBER." if held else "."),
                hint="See Phone Numbers, Active Numbers at console.twilio.com.",
            )
        some = ", ".join(one.number for one in held[:5])
        raise PermanentFailure(f"The account has several numbers ({some}). Set TWILIO_NUMBER.")

    def _notes(self, ours: Number, way: str | None) -> Sequence[str]:
        if way is None:
            stays = ours.pushes_to and not _OUR_HOOK.fullmatch(ours.sms_url)
            words = f"Texts are also pushed to {ours.host}, which may answer them too."
            return [words] if stays else []
        if not self._service:
            return []
        words = (
            "The messaging service has to leave incoming texts to the number: Messaging,"
            " Services, Integration, “Defer to sender's webhook”."
        )
        return [words]

    # Texts

    def send(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted]:
        """Hand over one text, with our id in the URL that its news goes to."""
        if len(outbound.text) > self.features.max_text:
            raise PermanentFailure(
                f"The text has {len(outbound.text)} characters; Twilio takes 1600.",
                code="21617",
                hint="Split it.",
            )
        if len(outbound.media) > MOST_MEDIA:
            raise PermanentFailure("At most 10 media go with one text.", code="21623")
        form = written(outbound, self._service)
        request = self._post(f"{_TEXTS}.json", credentials, form)
        answer = yield request
        done = accepted(answer.json()) if answer.status in (200, 201) else None
        if done is None:
            raise refusal(request, answer)
        return done

    def poll(self, credentials: Credentials, cursor: str) -> Flow[News]:
        """Read the log back to where it was read before, with 2 minutes of overlap.

        The cursor names the texts of those 2 minutes, so that none comes twice, and one that
        shows up late still comes. Nothing is asked by date: a text that has none yet would be
        left out.
        """
        query = {"To": self._number} if self._number else {}
        if not cursor:
            first, _ = yield from self._log(credentials, query, None)
            return News(cursor=beginning(first))
        mark = bookmark(cursor)
        read, answer = yield from self._log(credentials, query, mark.moment)
        inbounds = [text.inbound(_at(answer)) for text in mark.unread(read)]
        return News(inbounds, cursor=mark.after(read))

    def list_since(self, credentials: Credentials, since: datetime) -> Flow[Sequence[Inbound]]:
        """Every text to us since a moment, oldest first: what an outage kept from us."""
        query = {"To": self._number} if self._number else {}
        read, answer = yield from self._log(credentials, query, since)
        found = Bookmark(int(since.timestamp())).unread(read)
        return [text.inbound(_at(answer)) for text in found]

    def confirm(self, credentials: Credentials, ids: Sequence[str]) -> Flow[None]:
        raise PermanentFailure("Twilio confirms nothing: its log is never emptied.")

    def status(self, outbound: Outbound, credentials: Credentials) -> Flow[Receipt | None]:
        """Ask how a text fares."""
        if not outbound.provider_id:
            return None
        path = f"{_TEXTS}/{quote(outbound.provider_id, safe='')}.json"
        request = self._get(path, credentials)
        answer = yield request
        if answer.status == 404:
            return None
        found = message(answer.json()) if answer.status == 200 else None
        if found is None:
            raise refusal(request, answer)
        return msgspec.structs.replace(found.receipt(outbound.id), provider_id=outbound.provider_id)

    def lookup(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted | None]:
        """Look for a text in the log, by its ends, its words and the time of its attempt.

        Twilio keeps no reference of ours, so there are three answers. One text with our words,
        made within 2 minutes of the attempt: it had arrived. (Wrong only if the same words
        went to the same person seconds before; then this second copy is not sent.) No text to
        this person then, or only others: it had not. Anything else is `OutcomeUnknown`: words
        that are hidden or nearly ours, more than one text that fits, a clock that is too far
        off. The doubt then stays and is shown, and nobody is texted twice on a guess.
        """
        if outbound.at is None:
            raise OutcomeUnknown("Without the time of its attempt, a text cannot be looked up.")
        query = {"From": outbound.sender}
        read, answer = yield from self._log(credentials, query, outbound.at - _CLOCKS)
        theirs = moment(answer.headers.get("date"))
        if theirs is None or abs(theirs - _at(answer)) > _CLOCKS:
            raise OutcomeUnknown("Twilio's clock and ours are too far apart for a look-up.")
        began = outbound.at + (theirs - _at(answer))
        told = [
            (same_words(outbound.text, one.body), one) for one in candidates(outbound, read, began)
        ]
        same = [one for alike, one in told if alike]
        if len(same) == 1:
            return same[0].accepted
        if any(alike is not False for alike, _ in told):
            raise OutcomeUnknown("Twilio has texts of which any or none may be this one.")
        return None

    def _log(
        self, credentials: Credentials, query: Mapping[str, str], since: datetime | None
    ) -> Flow[tuple[Sequence[Message], Response]]:
        """The log, youngest first, page by page back to a moment; None: its first page.

        The answer that comes with it is the last page's.
        """
        request = self._get(f"{_TEXTS}.json", credentials, {**query, "PageSize": str(_PAGE)})
        asked: set[str] = set()
        read: list[Message] = []
        while True:
            answer = yield request
            found = page(answer.json()) if answer.status == 200 else None
            if found is None:
                raise refusal(request, answer)
            read += found.messages
            asked.add(request.url)
            far = since is None or any(each.created < since for each in found.messages)
            request = self._request("GET", self._base + found.next, credentials)
            if far or not found.next or request.url in asked:
                return read, answer

    def media_request(self, media: Media, credentials: Credentials) -> Request:
        """The request for a picture: with our keys at the API's own host, where its URL lies."""
        if media.url.startswith(f"{self._base}/"):
            request = self._request("GET", media.url, credentials)
            return msgspec.structs.replace(request, headers={**request.headers, "accept": "*/*"})
        return Request(method="GET", url=media.url, safe=True)

    # Webhooks

    def receive(self, request: Request, tail: str, at: datetime) -> Received:
        """Verify a push, then read it: ``text``, or ``status/`` and our id of the text.

        A text is answered with TwiML that says nothing, where it is not answered by `answer`. A
        signature has no stamp, so that a request which is played again falls to its SID, as one
        that Twilio repeats.
        """
        kind, _, name = tail.partition("/")
        if kind not in ("text", "status") or (kind == "text" and name):
            raise RequestRefused("Twilio pushes to text and status/… only.", 404)
        if request.method != "POST":
            raise RequestRefused("Twilio pushes by POST.", 405)
        form = fields(request, verify(request, self._token, self._shared))
        if kind == "text":
            return Received(inbounds=[pushed(form, at)], answer=twiml([]))
        return Received(receipts=[reported(form, name)])

    def answer(self, replies: Sequence[Outbound]) -> Response:
        """TwiML that says the replies (`TWILIO_REPLY_BY=webhook`).

        Raises:
            PermanentFailure: TwiML cannot say one of them.
        """
        return twiml(replies)

    # Requests

    def _get(
        self, path: str, credentials: Credentials, query: Mapping[str, str] | None = None
    ) -> Request:
        asked = f"?{urlencode(query)}" if query else ""
        return self._request("GET", f"{self._base}{self._account}{path}{asked}", credentials)

    def _post(
        self, path: str, credentials: Credentials, form: Sequence[tuple[str, str]]
    ) -> Request:
        request = self._request("POST", f"{self._base}{self._account}{path}", credentials)
        headers = {**request.headers, "content-type": "application/x-www-form-urlencoded"}
        body = urlencode(form, errors="replace").encode()
        return msgspec.structs.replace(request, headers=headers, body=body)

    def _request(self, method: str, url: str, credentials: Credentials) -> Request:
        headers = {"authorization": f"Basic {credentials.secret}", "accept": "application/json"}
        return Request(method=method, url=url, headers=headers, safe=method == "GET")


def _change(ours: Number, way: str | None) -> Sequence[tuple[str, str]]:
    """What has to change at a number for its texts to be pushed there; nothing, if it is so."""
    if way is None:
        return [("SmsUrl", "")] if _OUR_HOOK.fullmatch(ours.sms_url) else []
    if (ours.sms_url, ours.by_post, ours.application) == (way, True, ""):
        return []
    return [("SmsUrl", way), ("SmsMethod", "POST"), ("SmsApplicationSid", "")]


def _at(answer: Response) -> datetime:
    assert answer.at is not None, "A transport stamps its answers."
    return answer.at

"""TwiML: replies in the answer to the push that brought their text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from cooee.core.errors import PermanentFailure
from cooee.core.http_messages import Response
from cooee.core.messages import Outbound
from cooee.providers.twilio.forms import MOST_MEDIA

_LONGEST = 1600
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_KEPT = {"\r": "&#13;"}  # a bare one is read as a line feed (XML 1.0, 2.11)


def twiml(replies: Sequence[Outbound]) -> Response:
    """An answer that says these texts to the person who texted, from the number they texted.

    News goes to each one's `statusCallback`, not to an `action`: Twilio's older pages have it
    that no verb behind a ``<Message>`` with an `action` is reached, so that a second reply would
    be lost. (https://www.twilio.com/docs/messaging/twiml/message; that two go out in their order
    is an assumption.)

    Raises:
        PermanentFailure: one has no words, more than a text can have, words that XML cannot
            write, or a time after which it is stale.
    """
    said = "".join(map(_message, replies))
    document = f"<Response>{said}</Response>" if said else "<Response/>"
    return Response(
        status=200,
        headers={"content-type": "text/xml"},
        body=f'<?xml version="1.0" encoding="UTF-8"?>{document}'.encode(),
    )


def _message(reply: Outbound) -> str:
    _check(reply)
    heard = f" statusCallback={quoteattr(reply.callback)}" if reply.callback else ""
    body = f"<Body>{escape(reply.text, _KEPT)}</Body>" if reply.text else ""
    media = "".join(f"<Media>{escape(url)}</Media>" for url in reply.media)
    return f"<Message{heard}>{body}{media}</Message>"


def _check(reply: Outbound) -> None:
    why = ""
    if not reply.text and not reply.media:
        why = "nothing to say"
    elif len(reply.text) > _LONGEST or len(reply.media) > MOST_MEDIA:
        why = "more than one text can have"
    elif _UNWRITABLE.search("".join((reply.text, *reply.media))):
        why = "a character that XML cannot write"
    elif reply.good_until is not None:
        why = "a time after which it is stale"
    if why:
        raise PermanentFailure(f"It has {why}, so TwiML cannot carry it.")

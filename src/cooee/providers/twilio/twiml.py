"""TwiML: replies in the response to the webhook of their text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from cooee.providers import Outbound, PermanentFailure, Response
from cooee.providers.twilio.forms import MAX_MEDIA

_MAX_TEXT_CHARS = 1600
_INVALID_XML_CHARACTER = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)  # XML 1.0, 2.2
_EXTRA_ENTITIES = {"\r": "&#13;"}  # a bare one is read as a line feed (XML 1.0, 2.11)


def build_twiml(replies: Sequence[Outbound]) -> Response:
    """Build a response with the replies to the person, from the texted number.

    Receipts go to each reply's `statusCallback`, not to an `action`: Twilio's older pages have it
    that no verb behind a ``<Message>`` with an `action` is reached, so that a second reply would
    be lost. (https://www.twilio.com/docs/messaging/twiml/message; that two go out in their order
    is an assumption.)

    Raises:
        PermanentFailure: a reply is empty, longer than a text can be, not writable in XML, or has
            a `good_until`.
    """
    messages = "".join(map(_message_element, replies))
    document = f"<Response>{messages}</Response>" if messages else "<Response/>"
    return Response(
        status=200,
        headers={"content-type": "text/xml"},
        body=f'<?xml version="1.0" encoding="UTF-8"?>{document}'.encode(),
    )


def _message_element(reply: Outbound) -> str:
    _check_reply(reply)
    status_attribute = f" statusCallback={quoteattr(reply.callback)}" if reply.callback else ""
    body = f"<Body>{escape(reply.text, _EXTRA_ENTITIES)}</Body>" if reply.text else ""
    media = "".join(f"<Media>{escape(url)}</Media>" for url in reply.media)
    return f"<Message{status_attribute}>{body}{media}</Message>"


def _check_reply(reply: Outbound) -> None:
    reason = ""
    if not reply.text and not reply.media:
        reason = "nothing to say"
    elif len(reply.text) > _MAX_TEXT_CHARS or len(reply.media) > MAX_MEDIA:
        reason = "more than one text can have"
    elif _INVALID_XML_CHARACTER.search("".join((reply.text, *reply.media))):
        reason = "a character that XML cannot write"
    elif reply.good_until is not None:
        reason = "a time after which it is stale"
    if reason:
        raise PermanentFailure(f"It has {reason}, so TwiML cannot carry it.")


NO_REPLY = build_twiml([])
"""The response to a text that is not answered in it."""

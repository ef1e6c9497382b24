"""TwiML: the messages to send, in a webhook's response."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import msgspec

from cooee.core.http_messages import Response

_XML_TYPES = ("text/xml", "application/xml", "text/html")


class TwiMLMessage(msgspec.Struct, frozen=True):
    """A ``<Message>``: its body and media, its recipient, and its status callback."""

    body: str
    media_urls: tuple[str, ...] = ()
    recipient: str = ""
    status_callback_url: str = ""


def parse_twiml(response: Response) -> list[TwiMLMessage]:
    """Return the messages in a response, in order; plain text is a message.

    Raises:
        ValueError: the response is no TwiML (Twilio's errors 12100 and 12300).
    """
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not response.body.strip():
        return []
    if content_type == "text/plain":
        return [TwiMLMessage(response.body.decode(errors="replace"))]
    if content_type not in _XML_TYPES:
        raise ValueError(f"12300: {content_type or 'nothing'} is no content type of TwiML")
    try:
        root = ET.fromstring(response.body)  # noqa: S314 -- from our own app, on this machine
    except ET.ParseError as error:
        raise ValueError(f"12100: {error}") from error
    if root.tag != "Response":
        raise ValueError(f"12100: the document is a {root.tag}, not a Response")
    return [_parse_element(element) for element in root if element.tag in {"Message", "Sms"}]


def _parse_element(element: ET.Element) -> TwiMLMessage:
    bodies = [part.text or "" for part in element.iter("Body")]
    return TwiMLMessage(
        body="".join(bodies) if bodies else (element.text or "").strip(),
        media_urls=tuple((part.text or "").strip() for part in element.iter("Media")),
        recipient=element.get("to", ""),
        status_callback_url=element.get("statusCallback") or element.get("action") or "",
    )

"""AppClient: sends texts and starts dialogues through an app in another process, over HTTP."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.clocks.clock import RealClock
from cooee.core.built_in_values import built_in_moment, built_in_text, required_text
from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    SettingError,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.setting_values import clean_value
from cooee.net.http_client import HTTPClient, run_flow
from cooee.net.proxies import read_proxies


class AppClient:
    """A client of a running app: ``await cooee.connect(url).send(to, text)``.

    Args:
        url: where it listens, such as ``"http://127.0.0.1:8000"``. Use https on the way across
            any network: the token goes along.
        token: its COOEE_SEND_TOKEN; by default that of this process's environment.

    Raises:
        SettingError: there is no token.
    """

    __module__ = "cooee"  # where users import it from

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._token = (
            clean_value("COOEE_SEND_TOKEN", os.environ.get("COOEE_SEND_TOKEN", ""))
            if token is None
            else token
        )
        if not self._token:
            raise SettingError(
                "To send, the app's token is needed. Type: export COOEE_SEND_TOKEN=…"
            )

    async def send(
        self,
        to: str,
        text: str,
        *,
        ours: str | None = None,
        at: datetime | None = None,
        good_for: timedelta | None = None,
        key: str | None = None,
    ) -> str:
        """Send a text of our own accord; return its id once safely queued.

        The arguments are those of `App.send`.

        Raises:
            OptedOut: the person wants no texts.
            Unauthorized: the token is not the app's.
            PermanentFailure: what was asked makes no sense.
            TemporaryFailure: nothing was queued; try again.
            OutcomeUnknown: no answer came. With a `key` it is a `TemporaryFailure` instead,
                since asking again then sends nothing twice.
        """
        good_for_s = None if good_for is None else good_for.total_seconds()
        # delivery rule 22: JSON has no form for a subclass of a built-in type
        fields = {
            "to": required_text(to, "A number"),
            "text": required_text(text, "A text"),
            "ours": built_in_text(ours),
            "at": built_in_moment(at),
            "good_for": good_for_s,
            "key": built_in_text(key),
        }
        return await self._post("/send", fields)

    async def start(
        self,
        dialogue: str,
        to: str,
        *,
        ours: str | None = None,
        at: datetime | None = None,
        key: str | None = None,
        **inputs: Any,
    ) -> str:
        """Start a dialogue with a person; return its id once it is safely stored.

        The arguments are those of `App.start`, with the dialogue's name. The inputs go as JSON, and
        become what the dialogue's parameters say: a `datetime`, an Enum, a dataclass.

        Raises:
            OptedOut: the person wants no texts; nothing is begun.
            Unauthorized: the token is not the app's.
            PermanentFailure: the app has no such dialogue, or does not take these inputs.
            TemporaryFailure: nothing was begun; try again.
            OutcomeUnknown: no answer came. With a `key` it is a `TemporaryFailure` instead.
        """
        fields = {
            "dialogue": required_text(dialogue, "A dialogue's name"),
            "to": required_text(to, "A number"),
            "inputs": inputs,
            "ours": built_in_text(ours),
            "at": built_in_moment(at),
            "key": built_in_text(key),
        }
        return await self._post("/start", fields)

    async def _post(self, path: str, fields: dict[str, Any]) -> str:
        body = {name: value for name, value in fields.items() if value is not None}
        client = HTTPClient(RealClock(), proxies=read_proxies(os.environ))
        try:
            return await run_flow(self._post_flow(path, body), client)
        finally:
            await client.close()

    def _post_flow(self, path: str, body: dict[str, Any]) -> Flow[str]:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        request = Request(
            method="POST",
            url=f"{self._url}{path}",
            headers=headers,
            body=msgspec.json.encode(body),
            safe="key" in body,
        )
        response = yield request
        return _queued_id(response)

    def __repr__(self) -> str:
        return f"<AppClient of {self._url}>"


_ERROR_CLASSES = {401: Unauthorized, 409: OptedOut, 503: TemporaryFailure}


def _queued_id(response: Response) -> str:
    match response.json():
        case {"id": str(id)} if response.status == 201:
            return id
        case {"error": str(message)}:
            pass
        case _:
            message = "The answer is not cooee's. Is the URL that of the app?"
    if response.status == 201:
        raise OutcomeUnknown(message, status=response.status)
    error_class = _ERROR_CLASSES.get(response.status, PermanentFailure)
    raise error_class(message, status=response.status)

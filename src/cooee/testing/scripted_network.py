"""ScriptedNetwork: gives a flow the responses of a script, and keeps its requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, TypeVar

from cooee.core.errors import ProviderFailure
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.public_names import publish_names

T = TypeVar("T")

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class ScriptedNetwork:
    """A network with scripted responses to a flow.

        network = ScriptedNetwork(answer(201, {"id": "42"}))
        accepted = network.run(provider.send(outbound, credentials))
        assert network.requests[0].url == "https://…"

    Args:
        script: a `Response` for each request, or the `ProviderFailure` to raise there.

    Attributes:
        requests: the requests so far.
    """

    def __init__(self, *script: Response | ProviderFailure) -> None:
        self._script = list(script)
        self.requests: list[Request] = []

    def run(self, flow: Flow[T]) -> T:
        """Run the flow to its end.

        Raises:
            ProviderFailure: as the flow does.
            AssertionError: it asks for more than was scripted, or for less.
        """
        try:
            request = next(flow)
            while True:
                self.requests.append(request)
                assert self._script, f"Nothing was scripted for {request.method} {request.url}."
                response = self._script.pop(0)
                request = (
                    flow.send(response) if isinstance(response, Response) else flow.throw(response)
                )
        except StopIteration as stop:
            assert not self._script, f"{len(self._script)} scripted answers were never used."
            result: T = stop.value
            return result
        finally:
            flow.close()


def answer(
    status: int, body: Any = None, *, at: datetime | None = NOON, **headers: str
) -> Response:
    """Return a response: bytes unchanged, None as an empty body, else JSON.

    Header names are given as Python writes them: ``retry_after="7"``.
    """
    content = (
        body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    )
    hyphenated = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=hyphenated, body=content, at=at)


publish_names("cooee.testing", globals(), ["ScriptedNetwork", "answer"])

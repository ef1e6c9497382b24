"""Fetches the pictures that came with texts: once, before their turns, and from where they may."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.clocks.clock import Clock
from cooee.core.errors import PermanentFailure, ProviderFailure, StoreUnavailable
from cooee.core.http_messages import Request
from cooee.core.messages import Media
from cooee.net.http_client import Transport
from cooee.net.ssrf_guard import Guard
from cooee.providers import Credentials, MediaSource
from cooee.runtime.inbound.media_download import download, kind_of
from cooee.runtime.inbound.media_storage import Shelf
from cooee.runtime.log import blame, tell
from cooee.runtime.provider_session import Account
from cooee.runtime.task_group import Crew
from cooee.storage import Claim, Pending, Store

LARGEST = 10_000_000
"""Bytes of one picture that are kept, unless COOEE_MEDIA_LARGEST says otherwise."""

_PAUSES = (1.0, 5.0, 25.0, 60.0)  # seconds before each further try; then the turn goes without
_AGAIN = timedelta(minutes=2)  # a text is looked at again after this, should its fetch be lost
_AT_ONCE = 4


class Cloakroom(msgspec.Struct, frozen=True):
    """Where media come from and go: the way there, who may be asked, the shelf, and the limit."""

    transport: Transport
    guard: Guard
    shelf: Shelf
    largest: int = LARGEST


class Fetcher:
    """Sees to it that a text's media are here, or given up, before its turn.

    A text that waits for its media gives way to nobody else of the same conversation, and to
    everybody of others. What was fetched is written down, path first, so that no crash leaves a
    file of which nobody knows. A crash in the middle repeats a fetch, and begins its count anew.

    Args:
        account: the provider; its own hosts get its credentials, on the first request alone.
        store: where texts wait.
        cloakroom: how media come, and where they are kept.
        clock: what to sleep on between tries.
        done: called when a text has its media.
    """

    def __init__(
        self,
        account: Account,
        store: Store,
        cloakroom: Cloakroom,
        clock: Clock,
        done: Callable[[], None],
    ) -> None:
        self._account, self._store, self._clock = account, store, clock
        self._cloakroom, self._shelf = cloakroom, cloakroom.shelf
        self._crew, self._done = Crew(clock, "fetch", done), done
        self._tasks: dict[bytes, asyncio.Task[Any]] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def sift(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """What of these claims can be played now; the rest is given back, and fetched for."""
        ready: list[Claim] = []
        for claim in claims:
            first = next((n for n, text in enumerate(claim.texts) if _lacks(text)), None)
            if first == 0:
                await self._store.postpone([claim], self._begin(claim, claim.texts[0]))
                await self._hasten(claim, claim.texts[0])
                continue
            texts = claim.texts[:first]
            for text in texts:
                self._tasks.pop(text.id, None)
            ready.append(msgspec.structs.replace(claim, texts=texts))
        return ready

    async def _hasten(self, claim: Claim, text: Pending) -> None:
        """Have a text answered now whose media came while it was being put off."""
        task = self._tasks.get(text.id)
        if task is not None and task.done() and not (task.cancelled() or task.exception()):
            await self._keep(claim, text, task.result())
            self._done()

    async def close(self) -> None:
        """Leave what is being fetched; it is fetched again by whoever runs next."""
        await self._crew.end(0)
        await self._cloakroom.transport.close()

    def _begin(self, claim: Claim, text: Pending) -> datetime:
        """Fetch for a text, unless that is under way; when to look at it again.

        A fetch that has ended stays known until its text was claimed with what it brought: a
        claim that was read before would else fetch once more.
        """
        now = self._clock.now()
        task = self._tasks.get(text.id)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            self._tasks[text.id] = self._crew.start(self._fetch(claim, text))
        elif task.done():
            return now
        return now + _AGAIN

    async def _fetch(self, claim: Claim, text: Pending) -> Sequence[Media]:
        media = list(text.inbound.media)
        for place, one in enumerate(media):
            if not one.settled:
                media[place] = await self._settle(one, claim, text, media, place)
        tell(
            "media-fetched",
            logging.DEBUG,
            turn=text.id.hex(),
            kept=sum(bool(one.size) for one in media),
            given_up=sum(bool(one.error) for one in media),
        )
        if not await self._keep(claim, text, media):
            self._tasks.pop(text.id, None)  # nobody will claim it
            for one in media:
                await self._shelf.erase(one.path)
        return media

    async def _settle(
        self, one: Media, claim: Claim, text: Pending, media: list[Media], place: int
    ) -> Media:
        """Fetch and put one away; what is given up says why."""
        for pause in (*_PAUSES, None):
            try:
                async with self._room:
                    content, content_type = await self._bring(one)
                    path = one.path or self._shelf.new_path(content_type)
                    media[place] = one = msgspec.structs.replace(one, path=path)
                    await self._keep(claim, text, media)
                    await self._shelf.put(path, content)
            except Exception as failure:  # whatever it was, the person is to be answered
                if pause is None or isinstance(failure, PermanentFailure):
                    return await self._given_up(one, text, failure)
                await self._clock.sleep(pause)
            else:
                size, nothing = len(content), b""
                return Media(one.url, content_type, one.name, nothing, path, size)
        raise AssertionError("the last try ends it either way")

    async def _given_up(self, one: Media, text: Pending, failure: Exception) -> Media:
        words = f"It cannot be kept: {type(failure).__name__}."
        if isinstance(failure, ProviderFailure):
            words = failure.message
        tell("media-lost", logging.WARNING, turn=text.id.hex(), why=words, error=blame(failure))
        with contextlib.suppress(OSError):
            await self._shelf.erase(one.path)
        return Media(one.url, one.content_type, one.name, error=words)

    async def _keep(self, claim: Claim, text: Pending, media: Sequence[Media]) -> bool:
        while True:
            try:
                return await self._store.keep_media(claim, text, media)
            except StoreUnavailable as error:
                tell("store-unavailable", logging.ERROR, error=str(error), during="media")
                await self._clock.sleep(1)

    async def _bring(self, one: Media) -> tuple[bytes, str]:
        """The bytes, and what they are."""
        if one.content:
            content, content_type = one.content, one.content_type
        else:
            answer = await self._account.ask(
                lambda credentials: download(
                    self._first(one, credentials), self._cloakroom.guard.allows
                ),
                self._cloakroom.transport,
            )
            content, content_type = answer.body, kind_of(one, answer)
        if not 0 < len(content) <= self._cloakroom.largest:
            words = f"has more than {self._cloakroom.largest:,} bytes" if content else "is empty"
            raise PermanentFailure(f"It {words}.")
        return content, content_type

    def _first(self, one: Media, credentials: Credentials) -> Request:
        provider = self._account.provider
        if isinstance(provider, MediaSource):
            return provider.media_request(one, credentials)
        return Request(method="GET", url=one.url, safe=True)


def _lacks(text: Pending) -> bool:
    return text.runs and not all(one.settled for one in text.inbound.media)


async def sweep(store: Store, shelf: Shelf) -> None:
    """Erase what people who were forgotten had sent; what cannot be erased now stays listed."""
    erased = []
    for path in await store.discarded():
        try:
            await shelf.erase(path)
        except OSError as error:
            tell("media-not-erased", logging.ERROR, error=blame(error))
        else:
            erased.append(path)
    if erased:
        await store.erased(erased)

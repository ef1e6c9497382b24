"""Fetches the media of inbound texts before their turns, from allowed addresses only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.clocks.clock import Clock
from cooee.core.backoff import Backoff
from cooee.core.errors import PermanentFailure, ProviderFailure, StoreUnavailable
from cooee.core.http_messages import Request
from cooee.core.messages import Media
from cooee.net.http_client import Transport
from cooee.net.ssrf_guard import SSRFGuard
from cooee.providers import Credentials, MediaSource
from cooee.runtime.events import Events, MediaFetched, MediaLost
from cooee.runtime.inbound.media_download import download_url, media_of
from cooee.runtime.inbound.media_storage import MediaStorage
from cooee.runtime.log import error_location, log_event
from cooee.runtime.provider_session import ProviderSession
from cooee.runtime.task_group import TaskGroup
from cooee.storage import Claim, PendingText, Store

MAX_MEDIA_BYTES = 10_000_000
"""Bytes of one picture that are kept, unless COOEE_MEDIA_LARGEST says otherwise."""

_BACKOFF = Backoff((1, 5, 25, 60))  # then the turn goes without
_RECHECK_AFTER = timedelta(minutes=2)  # when a text is looked at again, should its fetch be lost
_MAX_CONCURRENT_FETCHES = 4


class MediaConfig(msgspec.Struct, frozen=True):
    """How media are fetched: transport, allowed addresses, storage, and the limit in bytes."""

    transport: Transport
    guard: SSRFGuard
    storage: MediaStorage
    max_bytes: int = MAX_MEDIA_BYTES


class MediaFetcher:
    """Fetches a text's media, or gives them up, before its turn.

    A text whose media are still being fetched holds back later texts of the same conversation,
    but no other conversation. A fetched file's path is written down before the
    file, so that no crash leaves a file that the store does not know. A crash in the
    middle repeats a fetch, and begins its count anew.

    Args:
        account: the provider; its own hosts get its credentials, on the first request alone.
        store: where texts wait.
        cloakroom: how media come, and where they are kept.
        clock: what to sleep on between tries.
        done: called when a text has its media.
    """

    def __init__(
        self,
        session: ProviderSession,
        store: Store,
        config: MediaConfig,
        clock: Clock,
        on_fetched: Callable[[], None],
        *,
        events: Events,
    ) -> None:
        self._session, self._store, self._clock = session, store, clock
        self._config, self._storage, self._events = config, config.storage, events
        self._task_group, self._on_fetched = TaskGroup(clock, "fetch", on_fetched), on_fetched
        self._tasks: dict[bytes, asyncio.Task[Any]] = {}
        self._download_slots = asyncio.Semaphore(_MAX_CONCURRENT_FETCHES)

    async def hold_back(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """Return the claims that can run now; postpone the others, and fetch their media."""
        ready: list[Claim] = []
        for claim in claims:
            first = next(
                (n for n, text in enumerate(claim.texts) if _has_unfetched_media(text)), None
            )
            # delivery rule 4: texts before the one with media go on, it and later texts wait
            if first == 0:
                await self._store.postpone([claim], self._start_fetch(claim, claim.texts[0]))
                await self._resume_now(claim, claim.texts[0])
                continue
            texts = claim.texts[:first]
            for text in texts:
                self._tasks.pop(text.id, None)
            ready.append(msgspec.structs.replace(claim, texts=texts))
        return ready

    async def _resume_now(self, claim: Claim, text: PendingText) -> None:
        """Have a text answered now whose media arrived while its claim was postponed."""
        task = self._tasks.get(text.id)
        if task is not None and task.done() and not (task.cancelled() or task.exception()):
            await self._record_media(claim, text, task.result())
            self._on_fetched()

    async def close(self) -> None:
        """Cancel the fetches; the next process fetches again."""
        await self._task_group.close(0)
        await self._config.transport.close()

    def _start_fetch(self, claim: Claim, text: PendingText) -> datetime:
        """Fetch a text's media, unless that is under way; return when to claim it again.

        A fetch that has ended stays known until its text was claimed with what it brought: a
        claim that was read before would else fetch once more.
        """
        now = self._clock.now()
        task = self._tasks.get(text.id)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            self._tasks[text.id] = self._task_group.start(self._fetch(claim, text))
        elif task.done():
            return now
        return now + _RECHECK_AFTER

    async def _fetch(self, claim: Claim, text: PendingText) -> Sequence[Media]:
        media = list(text.inbound.media)
        for index, one in enumerate(media):
            if not one.settled:
                media[index] = await self._fetch_one(one, claim, text, media, index)
        stored_count = sum(bool(one.size) for one in media)
        lost_count = sum(bool(one.error) for one in media)
        self._events.publish(MediaFetched(text, stored_count, lost_count))
        if not await self._record_media(claim, text, media):
            self._tasks.pop(text.id, None)  # nobody will claim it
            for one in media:
                await self._storage.erase(one.path)
        return media

    async def _fetch_one(
        self, one: Media, claim: Claim, text: PendingText, media: list[Media], index: int
    ) -> Media:
        """Fetch and store one media file; a file that is given up has its reason."""
        for pause in (*_BACKOFF.pauses_s, None):
            try:
                async with self._download_slots:
                    content, content_type = await self._download(one)
                    path = one.path or self._storage.new_path(content_type)
                    media[index] = one = msgspec.structs.replace(one, path=path)
                    # delivery rule 4: the path first, so that no crash leaves an unknown file
                    await self._record_media(claim, text, media)
                    await self._storage.put(path, content)
            except Exception as failure:  # whatever it was, the person is to be answered
                if pause is None or isinstance(failure, PermanentFailure):
                    return await self._give_up(one, text, failure)
                await self._clock.sleep(pause)
            else:
                size, no_content = len(content), b""
                return Media(one.url, content_type, one.name, no_content, path, size)
        raise AssertionError("the last try ends it either way")

    async def _give_up(self, one: Media, text: PendingText, failure: Exception) -> Media:
        problem = f"It cannot be kept: {type(failure).__name__}."
        if isinstance(failure, ProviderFailure):
            problem = failure.message
        self._events.publish(MediaLost(text, problem, failure))
        with contextlib.suppress(OSError):
            await self._storage.erase(one.path)
        return Media(one.url, one.content_type, one.name, error=problem)

    async def _record_media(self, claim: Claim, text: PendingText, media: Sequence[Media]) -> bool:
        while True:
            try:
                return await self._store.save_media(claim, text, media)
            except StoreUnavailable as error:
                log_event("store-unavailable", logging.ERROR, error=str(error), during="media")
                await self._clock.sleep(1)

    async def _download(self, one: Media) -> tuple[bytes, str]:
        """Return a file's bytes and media type."""
        if one.content:
            content, content_type = one.content, one.content_type
        else:
            response = await self._session.call(
                lambda credentials: download_url(
                    self._first_request(one, credentials), self._config.guard.may_request
                ),
                self._config.transport,
            )
            content, content_type = media_of(one, response, self._config.max_bytes)
        if not 0 < len(content) <= self._config.max_bytes:
            problem = f"has more than {self._config.max_bytes:,} bytes" if content else "is empty"
            raise PermanentFailure(f"It {problem}.")
        return content, content_type

    def _first_request(self, one: Media, credentials: Credentials) -> Request:
        provider = self._session.provider
        if isinstance(provider, MediaSource):
            return provider.media_request(one, credentials)
        return Request(method="GET", url=one.url, safe=True)


def has_unfetched_media(claim: Claim) -> bool:
    """Tell whether a text of a claim has media that are not fetched, and not given up."""
    return any(map(_has_unfetched_media, claim.texts))


def _has_unfetched_media(text: PendingText) -> bool:
    return text.reaches_handler and not all(one.settled for one in text.inbound.media)


async def erase_forgotten_media(store: Store, storage: MediaStorage) -> None:
    """Erase the media of forgotten people; a file that cannot be erased stays listed."""
    erased = []
    for path in await store.media_to_erase():
        try:
            await storage.erase(path)
        except OSError as error:
            log_event("media-not-erased", logging.ERROR, error=error_location(error))
        else:
            erased.append(path)
    if erased:
        await store.mark_media_erased(erased)

"""Sorts HTTP exchanges: those that belong to texts' stories, and the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cooee.phone.inspector.story import Story
from cooee.phone.ipc_messages import HTTPExchange

_MAX_EXCHANGES = 200  # exchanges kept for texts that may still come


class Exchanges:
    """The latest HTTP exchanges of an app. One exchange may belong to several texts: a poll."""

    def __init__(self) -> None:
        self._latest: dict[str, HTTPExchange] = {}  # those that are over, by id
        self._ids_in_stories: set[str] = set()
        self._awaiting: dict[str, list[Story]] = {}  # stories by an exchange that is not over

    def add(self, exchange: HTTPExchange, story: Story | None) -> Sequence[Story]:
        """Keep an exchange that is over; return the stories that show it.

        Args:
            exchange: the exchange.
            story: the story of the text that it sent, if any.
        """
        awaiting = self._awaiting.pop(exchange.id, [])
        stories = awaiting if story is None or story in awaiting else [story, *awaiting]
        self._latest[exchange.id] = exchange
        while len(self._latest) > _MAX_EXCHANGES:
            oldest = next(iter(self._latest))
            del self._latest[oldest]
            self._ids_in_stories.discard(oldest)
        self._show(exchange, stories)
        return stories

    def show_in(self, id: str, story: Story) -> None:
        """Show the exchange that caused an event in a story, now or once it is over."""
        if id in self._latest:
            self._show(self._latest[id], [story])
        elif id and story not in self._awaiting.setdefault(id, []):
            self._awaiting[id].append(story)

    def others(self) -> Sequence[tuple[HTTPExchange, int]]:
        """Return the exchanges of no text, with how often each was made in a row."""
        runs: list[tuple[HTTPExchange, int]] = []
        for id, exchange in self._latest.items():
            if id in self._ids_in_stories:
                continue
            if runs and _is_repetition(runs[-1][0], exchange):
                runs[-1] = (exchange, runs[-1][1] + 1)
            else:
                runs.append((exchange, 1))
        return runs

    def _show(self, exchange: HTTPExchange, stories: Iterable[Story]) -> None:
        for story in stories:
            self._ids_in_stories.add(exchange.id)
            if exchange.id not in {one.id for one in story.exchanges}:
                story.exchanges.append(exchange)


def _is_repetition(one: HTTPExchange, other: HTTPExchange) -> bool:
    names = ("from_app", "method", "url", "status", "response_body", "failure")
    return all(getattr(one, name) == getattr(other, name) for name in names)

"""The text policy: in which characters a text of the app goes out, how long, in how many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import msgspec

from cooee.core.errors import DefinitionError, TooLong
from cooee.core.messages import Reply
from cooee.core.segments import measure_text, smart_encode
from cooee.core.text_cuts import split_text

LongTexts: TypeAlias = Literal["refuse", "split"]


class TextPolicy(msgspec.Struct, frozen=True):
    """What an app wants of its texts; see the arguments of `App`."""

    smart: bool = False
    most_segments: int | None = None
    long_texts: LongTexts = "refuse"

    def __post_init__(self) -> None:
        segments: object = self.most_segments
        is_count = isinstance(segments, int) and not isinstance(segments, bool) and segments > 0
        if segments is not None and not is_count:
            raise DefinitionError(
                f"most_segments={self.most_segments!r} lets no text out. Write 1 or more."
            )
        if self.long_texts not in get_args(LongTexts):
            raise DefinitionError(
                f'long_texts={self.long_texts!r} means nothing. Write "refuse" or "split".'
            )

    def apply(
        self, reply: Reply, *, limited: bool = True, max_chars: int | None = None
    ) -> Sequence[Reply]:
        """Return a reply as the texts that go out, in order: one, unless it is split.

        The segments are checked if `limited`. Media go with the first text.

        Raises:
            TooLong: it needs more segments than the app allows, or has more than `max_chars`
                characters, the provider's limit, and is not to be split.
        """
        text = smart_encode(reply.text) if self.smart else reply.text
        if limited:
            self._check_segments(text)
        if max_chars is None or len(text) <= max_chars:
            return [reply if text == reply.text else msgspec.structs.replace(reply, text=text)]
        if self.long_texts == "refuse":
            raise TooLong(
                f"A text of {len(text)} characters cannot be sent: the provider takes {max_chars}."
                ' Shorten it, say it in several texts, or write App(long_texts="split"):'
                f" {text[:60]!r}…"
            )
        first, *others = split_text(text, max_chars)
        return [Reply(first, reply.media), *map(Reply, others)]

    def _check_segments(self, text: str) -> None:
        if self.most_segments is None:
            return
        segment_count = measure_text(text)[1]
        if segment_count > self.most_segments:
            raise TooLong(
                f"A text of {len(text)} characters needs {segment_count} segments, and the app"
                f" allows {self.most_segments}. Shorten it, or say it in several texts:"
                f" {text[:60]!r}…"
            )

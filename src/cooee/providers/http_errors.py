"""ErrorTable: the `ProviderFailure` behind a provider's HTTP response."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Request, Response

_CLASS_BY_STATUS: Mapping[int, type[ProviderFailure]] = {
    401: Unauthorized,
    408: TemporaryFailure,
    429: TemporaryFailure,
    500: TemporaryFailure,
    501: PermanentFailure,
    503: TemporaryFailure,
}
_MAX_REASON_CHARS = 300  # of the provider's own words, in an error's message


class ErrorRule(NamedTuple):
    """The failure behind an error code or an HTTP status, and a hint for the remedy.

    Without an `error_class` the HTTP status decides. `retry_after` is in seconds.
    """

    error_class: type[ProviderFailure] | None = None
    hint: str = ""
    retry_after: float | None = None


class ErrorItem(NamedTuple):
    """An error in a response: the provider's code and reason, and the request's field at fault.

    `status` is the item's own HTTP status, where a response to several recipients has one each.
    """

    code: str = ""
    reason: str = ""
    field: str = ""
    status: int | None = None


class ErrorTable(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's error codes and HTTP statuses, each with its failure.

    Args:
        provider: the provider's name, as people write it.
        by_code: the rules of the codes; a reason is looked up too, where the code is unknown.
        by_status: the rules of HTTP statuses, for responses without a known code.
        parse_items: reads the errors in a response.
    """

    provider: str
    by_code: Mapping[str, ErrorRule] = {}
    by_status: Mapping[int, ErrorRule] = {}
    parse_items: Callable[[Response], Sequence[ErrorItem]] = lambda _: ()

    def error_from(
        self,
        request: Request,
        response: Response,
        *,
        error_class: type[ProviderFailure] | None = None,
        hint: str = "",
    ) -> ProviderFailure:
        """Return the failure to raise for a response without the expected content.

        Of several items an opt-out decides, else the first whose code is known, else the first.
        A 401 is `Unauthorized`. The outcome of a `safe` request is never unknown: the request is
        made again. `error_class` and `hint` go before the table's.
        """
        item = self._decisive_item(self.parse_items(response))
        status = item.status or response.status
        rule = self._rule_of(item) or self.by_status.get(status) or ErrorRule()
        known_class = Unauthorized if status == 401 else rule.error_class
        error_class = error_class or known_class or error_class_for_status(status)
        if error_class is OutcomeUnknown and request.safe:
            error_class = TemporaryFailure
        message = self._message(item, response)
        code, hint = _printable_line(item.code), hint or rule.hint
        if not issubclass(error_class, TemporaryFailure):
            return error_class(message, code=code, status=response.status, hint=hint)
        wait_s = rule.retry_after if response.retry_after is None else response.retry_after
        return error_class(
            message, code=code, status=response.status, hint=hint, retry_after=wait_s
        )

    def _rule_of(self, item: ErrorItem) -> ErrorRule | None:
        return self.by_code.get(item.code) or self.by_code.get(item.reason)

    def _decisive_item(self, items: Sequence[ErrorItem]) -> ErrorItem:
        rules = [(item, rule) for item in items if (rule := self._rule_of(item))]
        opt_outs = [item for item, rule in rules if rule.error_class is OptedOut]
        return next(iter([*opt_outs, *(item for item, _ in rules), *items]), ErrorItem())

    def _message(self, item: ErrorItem, response: Response) -> str:
        if item.reason:
            reason = f"{item.reason} ({item.field})" if item.field else item.reason
            return f"{self.provider} said: {_printable_line(reason)}"
        if response.json() is None and response.body:
            header = response.headers.get("content-type", "")
            content_type = _printable_line(header) or "something else"
            return (
                f"{self.provider}'s answer is not JSON but {content_type};"
                " a gateway on the way may have given it."
            )
        return f"{self.provider}'s answer does not say what was expected, nor why."


def error_class_for_status(status: int) -> type[ProviderFailure]:
    """Return the failure behind an HTTP status without a known code.

    After 408, 429, 500 and 503 nothing was done (for 500 an assumption: a gateway mostly fails
    before it hands the request on, and every such failure would otherwise leave texts of unknown
    outcome). Other 5xx come from a gateway that lost its own answer, and a 2xx gets here because
    it could not be read: either request may have been carried out.
    """
    known_class = _CLASS_BY_STATUS.get(status)
    if known_class is not None:
        return known_class
    return PermanentFailure if 300 <= status < 500 else OutcomeUnknown


def _printable_line(raw: str) -> str:
    """Return a printable line: a provider's words must not forge a line of a log."""
    characters = (each if each.isprintable() else " " for each in raw[:_MAX_REASON_CHARS])
    return " ".join("".join(characters).split())

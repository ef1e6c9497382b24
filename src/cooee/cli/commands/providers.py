"""`cooee providers`: who can carry our texts, what each can do, what each needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cooee.cli.output import show_json, show_table

if TYPE_CHECKING:
    from cooee.providers import Features, Provider


def providers(
    *, json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False
) -> None:
    """List the providers, and the settings each needs."""
    from cooee.providers import find, names, usual_features

    companies = [find(name) for name in names()]
    if json:
        show_json([_plain(company) for company in companies])
        return
    show_table(
        ("name", "reads", "pushes", "receipts", "characters", "rate", "unknown ends", "signed"),
        [_row(company.name, usual_features(company)) for company in companies],
    )
    for company in companies:
        print(f"\n{company.name} is told:")
        show_table(
            ("name", "what it is", "unless given"),
            [(one.name, one.help, one.default) for one in company.settings],
        )


def _row(name: str, features: Features) -> Sequence[object]:
    return (
        name,
        features.polling,
        features.push,
        features.receipts,
        features.max_text,
        "" if features.rate is None else f"{features.rate:g}/s",
        _settling(features),
        features.signed,
    )


def _settling(features: Features) -> str:
    """What becomes of a send whose answer was lost."""
    if features.lookup_settles is not None:
        return f"asked after {features.lookup_settles.total_seconds():g} s"
    if features.idempotency:
        return "sent again, arrives once"
    return "a receipt, or held" if features.receipts == "callback" else "held"


def _plain(company: type[Provider]) -> dict[str, object]:
    from cooee.providers import usual_features

    features = usual_features(company)
    told = {name: getattr(features, name) for name in features.__struct_fields__}
    settings = [{n: getattr(s, n) for n in s.__struct_fields__} for s in company.settings]
    return {"name": company.name, "features": told, "settings": settings}

"""`cooee providers`: lists the providers, their features and their settings."""

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
    from cooee.providers import default_features, find_provider, provider_names

    adapters = [find_provider(name) for name in provider_names()]
    if json:
        show_json([_provider_json(adapter) for adapter in adapters])
        return
    show_table(
        ("name", "reads", "pushes", "receipts", "characters", "rate", "unknown ends", "signed"),
        [_provider_row(adapter.name, default_features(adapter)) for adapter in adapters],
    )
    for adapter in adapters:
        print(f"\nSettings of {adapter.name}:")
        show_table(
            ("name", "what it is", "default"),
            [(one.name, one.help, one.default) for one in adapter.settings],
        )


def _provider_row(name: str, features: Features) -> Sequence[object]:
    return (
        name,
        features.polling,
        features.push,
        features.receipts,
        features.max_text,
        "" if features.rate is None else f"{features.rate:g}/s",
        _unknown_send_policy(features),
        features.signed,
    )


def _unknown_send_policy(features: Features) -> str:
    """Describe the fate of a send whose response was lost."""
    if features.lookup_settles_after is not None:
        return f"asked after {features.lookup_settles_after.total_seconds():g} s"
    if features.idempotency:
        return "sent again, arrives once"
    return "a receipt, or held" if features.receipts == "callback" else "held"


def _provider_json(provider: type[Provider]) -> dict[str, object]:
    from cooee.providers import default_features

    features = default_features(provider)
    feature_values = {name: getattr(features, name) for name in features.__struct_fields__}
    names = ("name", "help", "default", "secret")
    settings = [{name: getattr(one, name) for name in names} for one in provider.settings]
    return {"name": provider.name, "features": feature_values, "settings": settings}

"""The settings to lead a provider's adapter to the simulator."""

from __future__ import annotations

from collections.abc import Mapping

from cooee.core.errors import SettingError

# The path of each provider's API in the simulator; a test holds it against the simulator's own.
_API_PATHS: Mapping[str, str] = {
    "simulated": "/simulated/v1",
    "telstra-v2": "/telstra/v2",
    "telstra-v3": "/telstra/v3/messaging/v3",
    "twilio": "/twilio",
}
_MADE_UP_SID = f"AC{0:032x}"  # the simulator opens an account for every well-formed account SID


def simulator_settings(
    provider: str, base_url: str, *, client_id: str = "any", credential: str = "any"
) -> dict[str, str]:
    """Return the settings of a provider's adapter, by name, for an API of the simulator.

    Args:
        provider: the provider's name, as `COOEE_PROVIDER` has it.
        base_url: the simulator's own address, such as ``http://127.0.0.1:8400``.
        client_id: the client id that the simulator accepts; by default it accepts any.
        credential: the secret that it accepts: Telstra's client secret, Twilio's auth token, or the
            key of the simulated provider.

    Raises:
        SettingError: the simulator does not play that provider.
    """
    if provider not in _API_PATHS:
        raise SettingError(
            f"The simulator has no provider {provider!r}. It has {', '.join(sorted(_API_PATHS))}."
        )
    url = base_url.rstrip("/") + _API_PATHS[provider]
    match provider:
        case "twilio":
            return {
                "TWILIO_ACCOUNT_SID": _MADE_UP_SID,
                "TWILIO_AUTH_TOKEN": credential,
                "TWILIO_BASE_URL": url,
            }
        case "simulated":
            return {"SIMULATED_KEY": credential, "SIMULATED_BASE_URL": url}
    return {
        "TELSTRA_CLIENT_ID": client_id,
        "TELSTRA_CLIENT_SECRET": credential,
        "TELSTRA_BASE_URL": url,
    }


def simulated_providers() -> tuple[str, ...]:
    """Return the names of the simulated providers."""
    return tuple(_API_PATHS)

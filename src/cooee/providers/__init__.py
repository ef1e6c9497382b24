"""SMS companies, one folder each, and the contract that they implement."""

from cooee.core.http_messages import Flow, Request, Response
from cooee.core.public_names import publish_names
from cooee.providers.contract import (
    Accepted,
    Credentials,
    Features,
    MediaSource,
    OptOutSource,
    PollResult,
    Provider,
    Received,
    RepliesInWebhook,
    Setting,
    Subscription,
    default_features,
    find_provider,
    provider_names,
)

__all__ = [
    "Accepted",
    "Credentials",
    "Features",
    "Flow",
    "MediaSource",
    "OptOutSource",
    "PollResult",
    "Provider",
    "Received",
    "RepliesInWebhook",
    "Request",
    "Response",
    "Setting",
    "Subscription",
    "default_features",
    "find_provider",
    "provider_names",
]

publish_names(__name__, globals(), __all__)

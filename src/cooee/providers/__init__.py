"""SMS companies, one folder each, and the contract that they implement."""

from cooee.core.http_messages import Flow, Request, Response
from cooee.providers.contract import (
    Accepted,
    Answerer,
    Credentials,
    Features,
    Keeper,
    MediaSource,
    News,
    Provider,
    Received,
    Setting,
    Subscription,
    find,
    names,
    usual_features,
)

__all__ = [
    "Accepted",
    "Answerer",
    "Credentials",
    "Features",
    "Flow",
    "Keeper",
    "MediaSource",
    "News",
    "Provider",
    "Received",
    "Request",
    "Response",
    "Setting",
    "Subscription",
    "find",
    "names",
    "usual_features",
]

"""The adapter to Telstra's Messaging API v3."""

from cooee.core.public_names import publish_names
from cooee.providers.telstra_v3.adapter import TelstraV3

__all__ = ["TelstraV3"]

publish_names(__name__, globals(), __all__)

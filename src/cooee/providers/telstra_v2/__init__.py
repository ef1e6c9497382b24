"""The adapter to Telstra's Messaging API v2."""

from cooee.core.public_names import publish_names
from cooee.providers.telstra_v2.adapter import TelstraV2

__all__ = ["TelstraV2"]

publish_names(__name__, globals(), __all__)

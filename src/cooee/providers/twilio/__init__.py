"""The adapter to Twilio's Programmable Messaging."""

from cooee.core.public_names import publish_names
from cooee.providers.twilio.adapter import Twilio

__all__ = ["Twilio"]

publish_names(__name__, globals(), __all__)

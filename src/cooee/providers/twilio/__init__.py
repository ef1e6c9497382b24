"""The adapter to Twilio."""

from cooee.providers.twilio.adapter import Twilio

__all__ = ["Twilio"]

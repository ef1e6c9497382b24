"""Twilio's Programmable Messaging API (2010-04-01), as its SDK and its pages describe it."""

from cooee.simulator.apis.twilio.api import TwilioAPI

__all__ = ["TwilioAPI"]

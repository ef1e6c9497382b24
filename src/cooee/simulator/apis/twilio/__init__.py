"""Twilio's Programmable Messaging API (2010-04-01), after its SDK and its pages.

Sources: https://www.twilio.com/docs/messaging/api/message-resource,
https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource,
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
"""

from cooee.simulator.apis.twilio.api import TwilioAPI

__all__ = ["TwilioAPI"]

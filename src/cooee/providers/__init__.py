"""SMS providers, a folder each, and the parts of an adapter."""

from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    RequestRefused,
    SettingError,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import (
    Flow,
    Request,
    Response,
)
from cooee.core.messages import (
    Inbound,
    Media,
    Outbound,
    Receipt,
    Status,
    parse_outbound_id,
    text_fingerprint,
)
from cooee.core.public_names import publish_names
from cooee.providers.adapter_checks import check_text_length, parse_webhook_path
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
    Subscription,
    default_features,
    find_provider,
    provider_names,
)
from cooee.providers.http_errors import (
    ErrorItem,
    ErrorRule,
    ErrorTable,
    error_class_for_status,
)
from cooee.providers.oauth import OAuthClient, client_settings
from cooee.providers.settings import (
    Setting,
    parse_base_url,
    parse_list,
    read_settings,
)

__all__ = [
    "Accepted",
    "Credentials",
    "ErrorItem",
    "ErrorRule",
    "ErrorTable",
    "Features",
    "Flow",
    "Inbound",
    "Media",
    "MediaSource",
    "OAuthClient",
    "OptOutSource",
    "OptedOut",
    "Outbound",
    "OutcomeUnknown",
    "PermanentFailure",
    "PollResult",
    "Provider",
    "ProviderFailure",
    "Receipt",
    "Received",
    "RepliesInWebhook",
    "Request",
    "RequestRefused",
    "Response",
    "Setting",
    "SettingError",
    "Status",
    "Subscription",
    "TemporaryFailure",
    "Unauthorized",
    "check_text_length",
    "client_settings",
    "default_features",
    "error_class_for_status",
    "find_provider",
    "parse_base_url",
    "parse_list",
    "parse_outbound_id",
    "parse_webhook_path",
    "provider_names",
    "read_settings",
    "text_fingerprint",
]

publish_names(__name__, globals(), __all__)

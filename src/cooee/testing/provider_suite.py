"""PROMISES: the tests of every provider's adapter, ours and yours.

    EXAMPLE = Example(provider=Mine({…}), …)

    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
    def test_my_adapter_keeps_its_promise(promise):
        promise(EXAMPLE)

It needs ``cooee[testing]``, since it plays a network full of noise (hypothesis).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from cooee.providers import RepliesInWebhook
from cooee.testing.flow_promises import (
    a_401_is_unauthorized,
    a_broken_network_ends_a_flow,
    a_flow_asks_the_same_again,
    a_login_brings_credentials,
    a_text_is_accepted,
    a_text_too_long_is_refused_at_once,
    a_throttle_says_when_to_come_back,
    an_unreadable_acceptance_is_unknown,
    no_answer_breaks_a_flow,
    only_what_may_be_repeated_is_safe,
    reading_brings_texts,
    secrets_and_texts_stay_hidden,
    subscribing_brings_a_number,
)
from cooee.testing.provider_example import Example, Push
from cooee.testing.webhook_promises import (
    a_forged_push_is_refused,
    a_push_brings_news,
    a_push_that_comes_again_has_the_same_key,
    an_answer_carries_replies,
    no_push_breaks_receiving,
)

__all__ = ["PROMISES", "Example", "Push"]


def its_features_agree_with_each_other(example: Example) -> None:
    """Limits make sense, and the example has responses for every declared feature."""
    features = example.provider.features
    assert features.max_text > 0
    assert features.concurrency is None or features.concurrency > 0
    assert features.rate is None or features.rate > 0
    assert features.replay_window > timedelta(0)
    assert features.polling or features.push, "There is no way for a text to come in."
    assert bool(features.polling) == bool(example.poll), "Answers for `poll` belong to `polling`."
    assert features.push == bool(example.pushes), "Examples of `pushes` belong to `push`."
    assert (features.polling == "confirm") == bool(example.confirm)
    assert features.push or not features.backfill
    assert features.polling == "cursor" or not features.backfill
    assert (features.lookup_settles_after is not None) == bool(example.lookup)
    words = [*features.opt_out_words, *features.opt_in_words, *features.help_words]
    assert len({word.strip().upper() for word in words}) == len(words), "A word does one thing."
    assert features.opt_out_words or not features.opt_in_words, "Nothing is there to lift."
    if features.reply_within is not None:
        assert timedelta(0) < features.reply_within
        assert features.push
        assert isinstance(example.provider, RepliesInWebhook)
        tells_outcome = features.receipts == "callback" or features.lookup_settles_after is not None
        assert tells_outcome, "No receipt or lookup would say whether a webhook's response arrived."


def its_settings_can_be_typed(example: Example) -> None:
    """Settings are names of environment variables, each with a help text."""
    for setting in example.provider.settings:
        assert setting.name.isupper(), f"{setting.name} is not a variable's name."
        assert setting.help, f"{setting.name} has no help."


PROMISES: Sequence[Callable[[Example], None]] = (
    its_features_agree_with_each_other,
    its_settings_can_be_typed,
    a_login_brings_credentials,
    subscribing_brings_a_number,
    a_text_is_accepted,
    reading_brings_texts,
    a_flow_asks_the_same_again,
    a_broken_network_ends_a_flow,
    a_401_is_unauthorized,
    a_throttle_says_when_to_come_back,
    an_unreadable_acceptance_is_unknown,
    only_what_may_be_repeated_is_safe,
    a_text_too_long_is_refused_at_once,
    secrets_and_texts_stay_hidden,
    no_answer_breaks_a_flow,
    a_push_brings_news,
    a_push_that_comes_again_has_the_same_key,
    a_forged_push_is_refused,
    no_push_breaks_receiving,
    an_answer_carries_replies,
)
"""Every promise: a function of an `Example` that raises, mostly `AssertionError`, where broken."""

"""A provider whose limit of a text is lower than its adapter says."""

from __future__ import annotations

from cooee.core.app.text_policy import TextPolicy


def lift_text_limit(monkeypatch):
    """Let texts through that the provider will refuse for their length."""
    apply = TextPolicy.apply

    def unlimited(policy, reply, *, limited=True, max_chars=None):
        return apply(policy, reply, limited=limited)

    monkeypatch.setattr(TextPolicy, "apply", unlimited)

"""Parsers of a person's text: keywords, answers, choices, dates, opt-out phrases."""

"""What a payload may carry: the tokens that a model used are a count; a text under that name may be a secret."""

from __future__ import annotations

from dagster_project.sources.privacy import scrubbed


def test_a_count_of_tokens_stays_and_a_token_goes():
    payload = {"tokens": 1200, "access_token": "s3cret", "token": 5, "nested": {"tokens": "s3cret", "cost": 2}}
    assert scrubbed(payload) == {"tokens": 1200, "nested": {"cost": 2}}

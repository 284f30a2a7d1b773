"""Every test that tries to mislead the loop: `pytest -m poison` runs them, and its last line says how many attempts.

One row per kind of attempt, with the files and tests in which it is made; each parameter of a test is one attempt.
"""

from __future__ import annotations

ATTEMPTS: dict[str, dict[str, tuple[str, ...]]] = {
    "forged receipts and offers": {
        "dagster_project/sources/test_receipts.py": (
            "test_a_changed_offer_is_refused",
            "test_a_misshapen_receipt_is_quarantined_and_the_others_land",
            "test_a_receipt_twice_in_a_file_lands_once_and_two_versions_of_it_not_at_all",
            "test_without_the_key_no_offer_is_believed",
        ),
        "feedback/serve/test_returned_receipts.py": (
            "test_a_card_that_was_not_offered_cannot_be_claimed",
            "test_what_is_no_offer_is_refused_with_its_file",
        ),
        "feedback/patterns/test_offer_log.py": ("test_a_record_that_somebody_changed_is_dealt_anew",),
    },
    "text, homoglyphs and sizes on cards": {
        "feedback/memory/test_poisoned_cards.py": ("test_a_poisoned_card_reaches_nobody",),
        "feedback/patterns/test_cards.py": (
            "test_a_channel_cannot_smuggle_text_onto_a_card",
            "test_a_company_s_own_features_can_be_declared_in_plain_words_only",
            "test_the_schema_refuses",
            "test_the_code_refuses_what_a_schema_cannot_see",
        ),
        "feedback/approvals/test_poisoning.py": ("test_a_request_that_could_mislead_a_reader_cannot_be_made",),
        "feedback/approvals/page/test_page.py": (
            "test_what_comes_from_outside_is_shown_as_text_under_a_strict_policy",
        ),
        "feedback/events/test_happenings.py": ("test_a_request_and_its_decision_are_told_without_names_and_texts",),
    },
    "approvals replayed, expired, forged or by the wrong one": {
        "feedback/approvals/test_ledger.py": (
            "test_an_approval_does_not_carry_over",
            "test_an_approved_artifact_may_be_used_exactly_once",
            "test_expiry_is_never_consent",
            "test_only_a_named_second_person_of_the_role_decides",
        ),
        "feedback/approvals/test_poisoning.py": (
            "test_a_well_chained_line_that_breaks_a_rule_counts_for_nothing",
            "test_a_planted_request_is_no_request",
            "test_a_request_from_outside_the_policy_is_refused",
            "test_only_who_asked_acts_on_the_approval",
            "test_an_amount_that_no_sum_can_hold_is_refused",
        ),
        "feedback/approvals/page/test_page.py": ("test_a_form_that_is_not_this_person_s_own_decides_nothing",),
        "feedback/events/test_happenings.py": ("test_a_planted_line_of_the_ledger_is_no_event",),
    },
    "ledger edited or cut": {
        "feedback/approvals/test_poisoning.py": (
            "test_a_tampered_file_closes_every_gate_and_says_where",
            "test_a_program_without_the_key_does_not_believe_unsigned_lines_of_a_signed_ledger",
        ),
        "feedback/approvals/page/test_page.py": ("test_a_tampered_ledger_decides_nothing_and_says_why",),
    },
    "foreign brand, no token": {
        "feedback/memory/test_snapshots.py": ("test_a_brand_is_a_wall",),
        "feedback/memory/test_store_contract.py": ("test_brands_do_not_exist_for_each_other",),
        "feedback/serve/test_feed.py": (
            "test_a_brand_is_a_wall_in_every_route",
            "test_without_the_token_nothing_is_told",
        ),
        "feedback/serve/test_tokens.py": (
            "test_what_is_not_the_token_opens_nothing",
            "test_a_damaged_token_file_lets_nobody_in",
        ),
        "feedback/serve/test_event_pages.py": ("test_events_need_the_token_as_cards_do",),
    },
    "snapshot, pointer or evidence tampered with": {
        "feedback/memory/test_reader.py": (
            "test_a_pointer_that_no_run_wrote_is_refused",
            "test_a_snapshot_with_the_right_hash_and_a_wrong_content_is_refused",
            "test_a_snapshot_in_another_form_is_refused",
        ),
        "feedback/serve/test_refusals.py": (
            "test_damage_is_refused_with_its_reason_on_every_route",
            "test_a_snapshot_tampered_with_under_a_running_server_is_noticed",
        ),
        "feedback/serve/test_reading.py": ("test_damaged_evidence_is_refused",),
    },
    "log of events tampered with or cut": {
        "feedback/memory/test_store_contract.py": (
            "test_a_tampered_event_is_refused_and_so_is_all_after_it",
            "test_a_tampered_version_is_refused",
            "test_a_log_with_a_cut_tail_is_noticed_by_whoever_has_read_further",
            "test_rows_cannot_be_changed_by_accident",
        ),
        "feedback/events/test_relay.py": ("test_nothing_is_sent_of_a_log_that_was_tampered_with",),
        "feedback/serve/test_event_pages.py": ("test_a_tampered_log_is_refused_with_its_reason",),
    },
    "webhook to a private place, or by a misleading address": {
        "feedback/events/test_addresses.py": (
            "test_an_address_outside_the_public_internet_is_refused_by_name",
            "test_a_host_is_allowed_by_its_exact_name_only",
            "test_other_spellings_of_this_machine_are_resolved_before_they_are_judged",
            "test_a_webhook_that_could_mislead_is_refused_before_any_call",
            "test_hosts_are_allowed_one_by_one",
        ),
        "feedback/events/test_relay.py": (
            "test_a_private_address_is_never_called_and_its_events_wait",
            "test_anything_but_success_is_tried_again_and_no_redirect_is_followed",
        ),
        "dagster_project/commands/test_feed_events_commands.py": ("test_a_private_address_is_an_answer_of_no",),
    },
    "delivery forged, changed or repeated": {
        "feedback/events/test_signatures.py": (
            "test_a_forged_or_repeated_delivery_is_refused",
            "test_a_secret_that_is_missing_or_weak_is_refused_by_its_variable_and_never_repeated",
        ),
        "feedback/events/test_relay.py": ("test_a_receiver_with_another_secret_gets_nothing_accepted",),
    },
}
LISTED = frozenset((file, test) for files in ATTEMPTS.values() for file, tests in files.items() for test in tests)

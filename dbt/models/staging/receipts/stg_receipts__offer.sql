-- What the feed dealt to each variant, one row per card of the draw, on or off; landing has checked the seal.
with ranked as (
    {{ ranked_deliveries(source('raw', 'receipts'), ['receipt_id', 'kind']) }}
)

select
    ranked.receipt_id,
    ranked.ts as offered_at,
    ranked.brief_id as brief,
    ranked.variant_id as variant,
    ranked.variant_ix,
    ranked.channel,
    ranked.feed_seq,
    ranked.seed_ref,
    ranked.pair_role,
    ranked.pattern_id,
    ranked.version,
    ranked.subject_sha256 as card_sha256,
    ranked.feature,
    ranked.follow,
    ranked.arm = 'on' as assigned,
    ranked.p
from ranked
where ranked.recency = 1 and ranked.kind = 'offer' and ranked.ts <= {{ as_of() }}

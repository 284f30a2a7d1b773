-- What agents say they did with a card: their newest word per receipt.
with ranked as (
    {{ ranked_deliveries(source('raw', 'receipts'), ['receipt_id', 'kind']) }}
)

select
    ranked.receipt_id,
    ranked.ts as receipted_at,
    ranked.brief_id as brief,
    ranked.variant_id as variant,
    ranked.pattern_id,
    ranked.version,
    ranked.subject_sha256 as card_sha256,
    ranked.arm = 'on' as assigned,
    ranked.p,
    cast(ranked.decision as boolean) as claimed,
    ranked.final_artifact_sha256,
    ranked._file as file,
    ranked._row as file_row
from ranked
where ranked.recency = 1 and ranked.kind = 'exposure' and ranked.ts <= {{ as_of() }}

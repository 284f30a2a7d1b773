-- Every receipt beside the offer that it answers; `refusal` names the first contradiction, empty where there is none.
select
    receipts.receipt_id,
    receipts.receipted_at,
    receipts.claimed,
    receipts.final_artifact_sha256,
    receipts.file,
    receipts.file_row,
    case
        when offers.receipt_id is null then 'unknown_offer'
        when receipts.brief <> offers.brief or receipts.variant <> offers.variant then 'wrong_variant'
        when receipts.assigned <> offers.assigned then 'wrong_arm'
        when abs(receipts.p - offers.p) > cast(0.000001 as double) then 'wrong_p'
        when receipts.pattern_id <> offers.pattern_id or receipts.version <> offers.version then 'wrong_card'
        when receipts.card_sha256 <> offers.card_sha256 then 'wrong_hash'
        when receipts.assigned and (receipts.pattern_id is null or receipts.version is null) then 'card_not_named'
        when receipts.receipted_at < offers.offered_at then 'before_offer'
    end as refusal
from {{ ref('stg_receipts__exposure') }} as receipts
left join {{ ref('stg_receipts__offer') }} as offers on receipts.receipt_id = offers.receipt_id

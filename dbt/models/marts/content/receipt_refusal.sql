-- Receipts that contradict the feed's own record: they are evidence of nothing, and every one is named.
select
    checks.receipt_id,
    checks.file,
    cast(checks.file_row as bigint) as file_row,
    checks.refusal as rule,
    case checks.refusal
        when 'unknown_offer' then 'the feed made no such offer; return the receipt id as the offer contained it'
        when 'wrong_variant' then 'the offer was made for another brief or variant; return those of the offer'
        when 'wrong_arm' then 'the arm is not that of the offer; return it unchanged'
        when 'wrong_p' then 'p is not the probability of the offer; return it unchanged'
        when 'wrong_card' then 'the pattern or its version is not that of the offer'
        when 'wrong_hash' then 'content_sha256 is not that of the card that was offered'
        when 'card_not_named' then 'a card that is on needs its pattern_id and version'
        else 'the receipt is dated before its offer; correct the clock of the agent'
    end as message
from {{ ref('int_content__receipt_check') }} as checks
where checks.refusal is not null

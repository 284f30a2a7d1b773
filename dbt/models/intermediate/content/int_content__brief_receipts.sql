-- Briefs to which the feed dealt, with the number of cards that no accepted receipt answers.
select
    offers.brief,
    count(*) as offered,
    count(case when checks.receipt_id is null then 1 end) as unanswered
from {{ ref('stg_receipts__offer') }} as offers
left join {{ ref('int_content__receipt_check') }} as checks
    on offers.receipt_id = checks.receipt_id and checks.refusal is null
group by offers.brief

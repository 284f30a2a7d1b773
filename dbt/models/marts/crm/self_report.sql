-- Self-reported attribution; several channels in one answer share it equally.
with distinct_answers as (
    select distinct
        answers.answer_key,
        answers.person_key,
        answers.account_key,
        answers.answered_at,
        answers.channel,
        answers.is_mapped
    from {{ ref('int_crm__answer') }} as answers
)

select
    {{ surrogate_key(["'hubspot'", 'answers.answer_key', 'answers.channel']) }} as answer_id,
    answers.person_key,
    answers.account_key,
    answers.answered_at,
    answers.channel,
    cast(answers.is_mapped as double) as confidence,
    cast(1 as double) / cast(count(*) over (partition by answers.answer_key) as double) as multi_share
from distinct_answers as answers

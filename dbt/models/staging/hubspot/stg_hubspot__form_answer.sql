-- Answers that people typed into a form.
with ranked as (
    {{ ranked_deliveries(source('raw', 'hubspot__form_answer'), ['answer_id']) }}
)

select
    ranked.answer_id,
    ranked.answered_at,
    ranked.contact_id,
    ranked.email_hash,
    nullif(trim(ranked.answer), '') as answer
from ranked
where ranked.recency = 1 and ranked.answered_at <= {{ as_of() }}

-- Every scored answer of the panel, by week, engine and prompt.
with prompts as (
    select
        prompts.prompt_id,
        bool_or(prompts.is_core) as is_core,
        min(prompts.intent) as intent,
        min(prompts.topic) as topic,
        min(prompts.prompt_text) as prompt_text,
        max(prompts.weight) as weight
    from {{ ref('stg_ai_panel__prompt') }} as prompts
    group by prompts.prompt_id
)

select
    {{ surrogate_key([
        'answers.prompt_id', 'answers.engine', 'answers.surface', 'answers.locale', 'answers.day_slot', 'answers.replicate'
    ]) }} as answer_id,
    cast(date_trunc('week', answers.day_slot) as date) as week,
    answers.day_slot as day,
    answers.engine,
    answers.surface,
    answers.prompt_id,
    cast(answers.replicate as bigint) as replicate,
    case
        when answers.status = 'ok' and not answers.searched and coalesce(len(answers.cited_domains), 0) = 0 then 'no_search'
        when answers.status = 'ok' then 'answered'
        when answers.status = 'pending' then 'not_scheduled'
        when answers.status in ('refused', 'empty', 'error', 'timeout', 'partial', 'not_scheduled') then answers.status
        else 'failed'
    end as status,
    answers.brands,
    answers.cited_domains,
    answers.own_cited,
    answers.searched,
    coalesce(prompts.is_core, true) as is_core,
    prompts.intent,
    prompts.topic,
    prompts.prompt_text,
    prompts.weight,
    answers.locale,
    answers.requested_at,
    answers.served_model,
    answers.contract,
    answers.extractor_version,
    answers.importer,
    answers.sources,
    answers.claims
from {{ ref('stg_ai_panel__answer') }} as answers
left join prompts on answers.prompt_id = prompts.prompt_id

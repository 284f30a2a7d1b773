-- Every scored answer of the panel, by week, engine and prompt.
with prompts as (
    select
        prompts.prompt_id,
        bool_or(prompts.is_core) as is_core
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
        when answers.status = 'ok' and not answers.searched and len(answers.cited_domains) = 0 then 'no_search'
        when answers.status = 'ok' then 'answered'
        when answers.status = 'pending' then 'not_scheduled'
        else answers.status
    end as status,
    answers.brands,
    answers.cited_domains,
    answers.own_cited,
    answers.searched,
    coalesce(prompts.is_core, true) as is_core
from {{ ref('stg_ai_panel__answer') }} as answers
left join prompts on answers.prompt_id = prompts.prompt_id

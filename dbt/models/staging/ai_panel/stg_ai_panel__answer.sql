-- Answers of AI engines: one per prompt, engine, surface, locale, day and repeat.
with ranked as (
    {{ ranked_deliveries(
        source('raw', 'ai_answers'), ['prompt_id', 'engine', 'surface', 'locale', 'day_slot', 'replicate', 'requested_at']
    ) }}
),

counted as (
    select
        ranked.*,
        row_number() over (
            partition by
                ranked.prompt_id, ranked.engine, ranked.surface, ranked.locale, ranked.day_slot, ranked.replicate
            order by ranked.requested_at desc nulls last, ranked._delivered_at desc, ranked._batch_id desc, ranked._row desc
        ) as attempt
    from ranked
    where ranked.recency = 1
)

select
    counted.prompt_id,
    counted.engine,
    coalesce(counted.surface, '') as surface,
    coalesce(counted.locale, '') as locale,
    counted.day_slot,
    coalesce(counted.replicate, 1) as replicate,
    counted.requested_at,
    counted.served_model,
    counted.contract,
    counted.extractor_version,
    counted.importer,
    lower(counted.status) as status,
    coalesce(cast(cast(counted.brands as json) as varchar[]), cast([] as varchar[])) as brands,
    coalesce(counted.own_cited, false) as own_cited,
    cast(cast(coalesce(counted.cited_sites, counted.cited_domains) as json) as varchar[]) as cited_domains,
    cast(counted.claims as json) as claims,
    cast(counted.sources as json) as sources,
    coalesce(counted.searched, false) as searched,
    counted.cost_usd
from counted
where counted.attempt = 1 and counted.day_slot <= {{ as_of_day() }}

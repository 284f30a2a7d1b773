-- Answers to how somebody heard of the company, matched to channels. A rule that matches everything counts only when no
-- other does; "Google" alone is search of an unknown kind, never paid search.
with answers as (
    select
        contacts.contact_id,
        contacts.person_key,
        contacts.account_key,
        contacts.created_at as answered_at,
        contacts.self_reported as answer
    from {{ ref('int_crm__contact') }} as contacts
    where contacts.self_reported is not null and not contacts.is_deleted
),

matched as (
    select distinct
        answers.contact_id,
        rules.channel,
        rules.match in ('.', '.*', '.+') as is_catch_all
    from answers
    inner join {{ source('ops', 'self_reported_rule') }} as rules
        on regexp_matches(answers.answer, rules.match, 'i')
),

judged as (
    select
        matched.contact_id,
        matched.channel,
        matched.is_catch_all,
        bool_and(matched.is_catch_all) over (partition by matched.contact_id) as only_catch_all
    from matched
)

select
    answers.contact_id,
    answers.person_key,
    answers.account_key,
    answers.answered_at,
    case
        when lower(trim(answers.answer)) = 'google' and coalesce(judged.is_catch_all, true) then 'search_unspecified'
        else coalesce(judged.channel, '(unmapped)')
    end as channel,
    case when coalesce(judged.is_catch_all, true) then 0 else 1 end as is_mapped
from answers
left join judged
    on
        answers.contact_id = judged.contact_id
        and (judged.only_catch_all or not judged.is_catch_all)

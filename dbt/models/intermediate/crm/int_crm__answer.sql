-- Answers to how somebody heard of the company, matched to channels. A rule that matches everything counts only when no
-- other does; "Google" alone is search of an unknown kind, never paid search.
with answers as (
    select
        'contact:' || contacts.contact_id as answer_key,
        contacts.person_key,
        contacts.account_key,
        contacts.created_at as answered_at,
        contacts.self_reported as answer
    from {{ ref('int_crm__contact') }} as contacts
    where contacts.self_reported is not null and not contacts.is_deleted
    union all
    select
        'form:' || forms.answer_id as answer_key,
        people.person_key,
        people.account_key,
        forms.answered_at,
        forms.answer
    from {{ ref('stg_hubspot__form_answer') }} as forms
    left join {{ ref('int_crm__contact') }} as contacts on forms.contact_id = contacts.contact_id
    inner join {{ ref('int_crm__person') }} as people
        on coalesce(contacts.person_key, {{ person_of_address('forms.email_hash') }}) = people.person_key
    where forms.answer is not null and not people.deleted
),

matched as (
    select distinct
        answers.answer_key,
        rules.channel,
        rules.match in ('.', '.*', '.+') as is_catch_all
    from answers
    inner join {{ source('ops', 'self_reported_rule') }} as rules
        on regexp_matches(answers.answer, rules.match, 'i')
),

judged as (
    select
        matched.answer_key,
        matched.channel,
        matched.is_catch_all,
        bool_and(matched.is_catch_all) over (partition by matched.answer_key) as only_catch_all
    from matched
)

select
    answers.answer_key,
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
        answers.answer_key = judged.answer_key
        and (judged.only_catch_all or not judged.is_catch_all)

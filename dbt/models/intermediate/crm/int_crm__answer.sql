-- Answers to "How did you hear about us?", matched to channels: each part of an answer takes the first matching rule.
-- A rule that matches everything applies only when no other does; "Google" alone is search of an unknown kind, never paid.
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

parts as (
    select
        answers.answer_key,
        unnest(
            regexp_split_to_array(answers.answer, '(?i)\s*(?:[,;/&+\n]|\band\b|\bund\b|\bet\b|\by\b)\s*')
        ) as part
    from answers
),

matched as (
    select
        parts.answer_key,
        parts.part,
        rules.channel,
        row_number() over (
            partition by parts.answer_key, parts.part order by rules.priority, rules.channel, rules.match
        ) as choice
    from parts
    inner join {{ source('ops', 'self_reported_rule') }} as rules
        on regexp_matches(parts.part, rules.match, 'i') and rules.match not in ('.', '.*', '.+')
),

named as (
    select distinct
        matched.answer_key,
        matched.channel
    from matched
    where matched.choice = 1
),

catch_all as (
    select min(rules.channel) as channel
    from {{ source('ops', 'self_reported_rule') }} as rules
    where rules.match in ('.', '.*', '.+')
)

select
    answers.answer_key,
    answers.person_key,
    answers.account_key,
    answers.answered_at,
    coalesce(
        named.channel,
        case when lower(trim(answers.answer)) = 'google' then 'search_unspecified' end,
        catch_all.channel,
        '(unmapped)'
    ) as channel,
    case when named.channel is null then 0 else 1 end as is_mapped
from answers
cross join catch_all
left join named on answers.answer_key = named.answer_key

-- Refused rows of the ledger, by file in its newest delivery, with the days that its other rows cover.
with newest as (
    select
        batches._batch_id,
        batches.day_min,
        batches.day_max
    from {{ source('ops', 'batch') }} as batches
    where batches.source = 'ledger' and batches.delivered_at <= {{ as_of() }}
    qualify row_number() over (partition by batches.file order by batches._batch_id desc) = 1
)

select
    refused.file,
    cast(count(distinct refused.row) as bigint) as quarantined_rows,
    min(newest.day_min) as first_day,
    max(newest.day_max) as last_day,
    arg_min(refused.message, refused.row) as first_message
from {{ source('books', 'quarantine') }} as refused
inner join newest on refused._batch_id = newest._batch_id
group by refused.file

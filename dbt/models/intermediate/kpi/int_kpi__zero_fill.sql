-- Whether plumbline.yaml says that a day without a line in the revenue file is a day without revenue: one row.
select coalesce(bool_or(options.zero_fill), false) as zero_fill
from {{ source('ops', 'source_option') }} as options
where options.source = 'revenue'

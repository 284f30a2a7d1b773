-- Rows of the ledger's files that could not be read, by file: what the books above may lack.
select
    refused.file,
    refused.quarantined_rows,
    refused.first_day,
    refused.last_day,
    refused.first_message
from {{ ref('stg_ledger__quarantine') }} as refused

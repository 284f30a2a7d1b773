-- Distinct paths with what came of them, the input of the path models.
select
    account_paths.stage,
    account_paths.path,
    cast(sum(account_paths.total_conversions) as bigint) as total_conversions,
    cast(sum(account_paths.total_conversion_value) as decimal(38, 2)) as total_conversion_value,
    cast(sum(account_paths.total_null) as bigint) as total_null
from {{ ref('account_path') }} as account_paths
group by account_paths.stage, account_paths.path

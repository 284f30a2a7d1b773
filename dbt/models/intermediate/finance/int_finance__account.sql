-- What plumbline.yaml says a general-ledger account holds.
select
    accounts.account_code,
    max(accounts.kind) as kind,
    max(accounts.channel) as channel,
    coalesce(bool_and(accounts.modelled), true) as modelled,
    max(accounts.reason) as reason
from {{ source('ops', 'ledger_account') }} as accounts
group by accounts.account_code

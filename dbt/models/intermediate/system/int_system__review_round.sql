-- Mean number of returns per piece by week of the first decision: the chance of one more return, multiplied over the
-- rounds; a piece whose next decision is still open is censored and not counted as right.
with pieces as (
    select
        cast(date_trunc('week', lives.decided_at) as date) as week,
        lives.returns,
        lives.review_closed
    from {{ ref('int_system__content_life') }} as lives
    where lives.decided_at is not null
),

rounds as (
    select
        pieces.week,
        numbers.done,
        cast(count(case when pieces.returns > numbers.done then 1 end) as double) as returned,
        cast(count(
            case when pieces.returns > numbers.done or (pieces.returns = numbers.done and pieces.review_closed) then 1 end
        ) as double) as judged
    from pieces
    inner join (select unnest(range(0, 50)) as done) as numbers on pieces.returns >= numbers.done
    group by pieces.week, numbers.done
),

reached as (
    select
        rounds.week,
        rounds.returned,
        product(coalesce(rounds.returned / nullif(rounds.judged, 0), 0)) over (
            partition by rounds.week order by rounds.done
        ) as reaching
    from rounds
)

select
    reached.week,
    sum(reached.reaching) as correction_loops,
    sum(reached.returned) as returns
from reached
group by reached.week

"""Users of an A/B test: no address reaches a table, and an older warehouse takes the new columns."""

from __future__ import annotations

import duckdb

from dagster_project.sources.catalogue import create_raw_tables
from dagster_project.sources.privacy import email_hash


def test_users_are_pseudonymous_from_the_first_table_on(deliver, pepper):
    found = deliver(
        "experiments",
        "experiment_id,user_id,variant,metric,covariate,stratum\n"
        "x4,Jane@acme.example,b,12.50,9,new\n"
        "x4,4711,control,0,2.5,old\n"
        "x4,4711,control,0,2.5,old\n"
        "x4,jane.d@acme.example,b,twelve,9,new\n",
    )
    users = found.frames["experiments__user"]
    assert users["user_key"].to_list() == [email_hash("jane@acme.example", pepper), "4711"]
    assert [str(v) for v in users["value"]] == ["12.500000", "0.000000"]
    assert found.rows_duplicate == 1
    [(value, message)] = found.quarantine.select("value", "message").rows()
    assert value == "twelve"
    assert "acme" not in message


def test_ratio_sums_of_arms_are_kept(deliver):
    text = (
        "experiment_id,arm,stratum,n,sum,sum_sq,den_sum,den_sum_sq,num_den_sum,buyers,sum_cu\n"
        "x,a,new,100,10,20,30,40,50,6,60.5\nx,a,old,9,1,2,3,4,5,1,\n"
    )
    arms = deliver("experiments", text).frames["experiments__arm"]
    assert arms.select("stratum", "n", "num_den_sum", "buyers", "sum_cu").rows() == [
        ("new", 100, 50.0, 6, 60.5),
        ("old", 9, 5.0, 1, None),
    ]


def test_a_warehouse_of_before_gets_the_columns_that_came_since():
    with duckdb.connect() as con:
        con.execute(
            "create schema raw; create table raw.experiments__arm (experiment_id varchar, arm varchar, n bigint)"
        )
        con.execute("insert into raw.experiments__arm values ('x', 'a', 5)")
        create_raw_tables(con)
        create_raw_tables(con)
        assert con.execute("select experiment_id, n, den_sum, stratum from raw.experiments__arm").fetchall() == [
            ("x", 5, None, None)
        ]

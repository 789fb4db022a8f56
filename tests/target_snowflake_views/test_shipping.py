"""The views as they are shipped: what their files say is so, and a view without its tables is told, not tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlglot
from sqlglot import exp
from target_snowflake import views

NAMES = ["VISMA_GL_BALANCES", "VISMA_INTERCOMPANY", "VISMA_OPEN_AP", "VISMA_POSSIBLE_DUPLICATES", "VISMA_SPEND"]


def tree(view: views.View) -> exp.Create:
    parsed = sqlglot.parse_one(view.sql, dialect="snowflake")
    assert isinstance(parsed, exp.Create)
    return parsed


def test_the_five_are_shipped_each_with_a_title():
    assert [view.name for view in views.finance_views()] == NAMES
    assert len({view.title for view in views.finance_views()}) == 5


@pytest.mark.parametrize("source", ["acumatica", "", "..", "visma/..", "/etc"])
def test_a_source_without_views_has_none(source):
    assert views.finance_views(source) == []


@pytest.mark.parametrize("view", views.finance_views(), ids=lambda view: view.name)
class TestEachFile:
    def test_it_names_exactly_the_tables_it_reads_and_no_schema(self, view):
        parsed = tree(view)
        made = {cte.alias for cte in parsed.find_all(exp.CTE)} | {view.name}
        read = [table for table in parsed.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
        assert not any(table.db or table.catalog for table in read)
        assert {table.name for table in read} - made == set(view.needs)

    def test_no_money_is_ever_a_float_and_every_sum_is_of_a_stated_scale(self, view):
        parsed = tree(view)
        assert not any(cast.to.is_type("float", "double") for cast in parsed.find_all(exp.Cast))
        assert all(isinstance(each.this, exp.Cast) for each in parsed.find_all(exp.Sum))
        assert all(_is_scaled(cast) for cast in parsed.find_all(exp.Cast) if cast.to.is_type("decimal"))

    def test_it_leaves_out_deleted_rows_of_every_table(self, view):
        assert view.sql.count("_SDC_DELETED_AT IS NULL") >= len(view.needs)

    def test_its_head_says_grain_currency_and_sign(self, view):
        head = view.sql.partition("CREATE OR REPLACE VIEW")[0]
        assert all(f"-- {word}" in head for word in ("Grain", "Currency", "Sign", "Needs:"))


def _is_scaled(cast: exp.Cast) -> bool:
    return len(cast.to.expressions) == 2


@dataclass
class Recorded:
    """A session that knows some tables."""

    tables: tuple[str, ...]
    sent: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return [(name,) for name in self.tables]

    @property
    def columns(self) -> list[str]:
        return ["TABLE_NAME"]

    def execute(self, sql: str) -> Recorded:
        self.sent.append(sql)
        return self


def test_a_view_without_its_tables_is_skipped_and_the_streams_are_named():
    session = Recorded(("SUPPLIER_DOCUMENTS",))
    made = {each.view.name: each for each in views.create(session, "FINANCE")}
    assert session.sent[0] == 'USE SCHEMA "FINANCE"'
    assert [sql for sql in session.sent if "CREATE OR REPLACE VIEW" in sql] == [made["VISMA_OPEN_AP"].view.sql]
    assert made["VISMA_POSSIBLE_DUPLICATES"].missing == ("SUPPLIERS",)
    assert str(made["VISMA_POSSIBLE_DUPLICATES"]) == (
        "VISMA_POSSIBLE_DUPLICATES: skipped, tables are missing. Select suppliers in the tap, run it, and come again."
    )
    assert str(made["VISMA_OPEN_AP"]) == "VISMA_OPEN_AP: Open supplier balances by document, with ageing"


def test_views_are_made_again_over_tables_that_have_grown(month):
    assert [made.missing for made in views.create(month)] == [()] * 5
    assert views.rows(month, "VISMA_SPEND")

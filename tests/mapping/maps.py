"""Small maps written for one test, and the shortest way to run an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.mapping.compiler import Names, compile_expression
from ml_connector.mapping.expressions import Expression
from ml_connector.mapping.loader import Place
from ml_connector.mapping.source_map import SourceMap
from ml_connector.mapping.target_map import TargetMap

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

SOURCE = """\
source_system: books
vars:
  segment: 1
stream_maps:
  bills:
    __alias__: supplier_invoices
    __key_properties__: [kind, nr]
    __skip__:
      typing: status == 'draft'
      echo: origin == 'us'
    __vars__:
      tax: sum([each.amount for each in taxes])
    title: concat(nr, ' ', vendor.name)
    source_state: status
    document_type: kind
    sign: "-1 if kind == 'credit_note' else 1"
    number: nr
    supplier: vendor.code
    document_date: day
    posting_date: day
    currency: currency
    net: gross - tax
    tax: tax
    total: gross
    entity: entity
    lines:
      __each__: rows
      __filter__: amount != 0
      line_number: index
      description: text
      amount: amount
      account: account
      entity: entity
      dimensions:
        cost_center: "{1: first_tag, 2: second_tag}[segment]"
  vendors:
    __alias__: suppliers
    __key_properties__: code
    number: code
    name: name
    active: True
"""

TARGET = """\
target: desk
via: table
dimensions:
  cost_center:
    source: cost_centers.code
    table: centre
    key: {source: erp_source, code: value}
    missing: park
    inactive: park
stream_maps:
  suppliers:
    header:
      __alias__: vendor
      __key_properties__: [source, code]
      source: erp_source
      code: source_key
      name: name
  supplier_invoices:
    __types__: [invoice, credit_note]
    header:
      __alias__: bill
      __key_properties__: [id]
      id: business_key
      total: sign * total
      currency: currency
      approver: {__value__: "'nobody'", __owner__: create_only}
      paid: {__owner__: target}
    line:
      __alias__: bill_line
      __via__: import
      __key_properties__: [id, position]
      __each__: lines
      id: record.business_key
      position: line_number
      amount: amount
      centre: dimension('cost_center', dimensions.cost_center, record.company, record.posting_date)
"""


def expression(text: str) -> Expression:
    """Compile a text as a map would."""
    return Expression(text, Place("map.yml", 7), compile_expression(text, Names()))


def value(text: str, **row: Any) -> Any:
    """Evaluate a text over a row."""
    return expression(text).evaluate(row, row, {})


def source_map(folder: Path, text: str = SOURCE, **variables: str) -> SourceMap:
    """Load a source map from its text."""
    (folder / "books.yml").write_text(text)
    return SourceMap.load("books", [folder], variables)


def target_map(folder: Path, text: str = TARGET) -> TargetMap:
    """Load a target map from its text."""
    (folder / "desk.yml").write_text(text)
    return TargetMap.load("desk", [folder])


def anything_goes(_dimension: str, value: str | None, _company: str, _on: date | None, /) -> str | None:
    """Prove every dimension value."""
    return value

"""A map that extends another one: only what differs is written, and every line keeps its own place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ml_connector.errors import ConfigError
from ml_connector.mapping import MalformedMap, SourceMap, TargetMap

from tests.mapping.maps import SOURCE, TARGET

if TYPE_CHECKING:
    from pathlib import Path

OWN = """
extends: desk
stream_maps:
  suppliers:
    header:
      __alias__: partner
      __key_properties__: [id]
      id: business_key
"""


def extending(folder: Path, text: str, name: str = "mine") -> TargetMap:
    (folder / "desk.yml").write_text(TARGET)
    (folder / f"{name}.yml").write_text(text)
    return TargetMap.load(name, [folder])


def test_an_entry_of_its_own_replaces_the_one_of_that_name_where_it_stands(tmp_path: Path) -> None:
    found = extending(tmp_path, OWN)
    assert list(found.tables) == ["partner", "bill", "bill_line"]
    assert list(found.record_types) == ["suppliers", "supplier_invoices"]
    assert found.tables["partner"].columns == ("id",)
    assert found.tables["bill"].via == "table"
    assert list(found.dimensions) == ["cost_center"]
    assert found.name == "mine"


def test_plain_words_are_replaced_and_null_leaves_an_entry_out(tmp_path: Path) -> None:
    found = extending(tmp_path, "extends: desk\nvia: other\nstream_maps:\n  suppliers:\n")
    assert list(found.record_types) == ["supplier_invoices"]
    assert found.tables["bill"].via == "other"


def test_the_version_follows_both_files(tmp_path: Path) -> None:
    versions = {extending(tmp_path, OWN).version, extending(tmp_path, OWN + "\n").version}
    (tmp_path / "desk.yml").write_text(TARGET + "\n")
    versions |= {TargetMap.load("mine", [tmp_path]).version, TargetMap.load("desk", [tmp_path]).version}
    assert len(versions) == 4


def test_a_mistake_is_told_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(MalformedMap, match=r"mine\.yml:9: `nonsense` suppliers have no such field"):
        extending(tmp_path, OWN + "      x: nonsense\n")
    (tmp_path / "desk.yml").write_text(TARGET.replace("total: sign * total", "total: nonsense"))
    with pytest.raises(MalformedMap, match=r"desk\.yml:24: `nonsense`"):
        TargetMap.load("mine", [tmp_path])


def test_a_folder_of_your_own_may_extend_the_installed_map_of_the_same_name(tmp_path: Path) -> None:
    installed, own = tmp_path / "installed", tmp_path / "own"
    for folder in (installed, own):
        folder.mkdir()
    (installed / "desk.yml").write_text(TARGET)
    (own / "desk.yml").write_text(OWN)
    assert list(TargetMap.load("desk", [own, installed]).tables) == ["partner", "bill", "bill_line"]
    with pytest.raises(ConfigError, match=r"no file desk\.yml"):
        TargetMap.load("desk", [own])


def test_source_maps_extend_too(tmp_path: Path) -> None:
    (tmp_path / "books.yml").write_text(SOURCE)
    (tmp_path / "mine.yml").write_text("extends: books\nvars:\n  segment: 2\nstream_maps:\n  vendors:\n")
    assert list(SourceMap.load("mine", [tmp_path], {}).streams) == ["bills"]


@pytest.mark.parametrize("text", ["extends:\n", "extends: [desk]\n"])
def test_a_base_that_is_not_named_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(MalformedMap, match="it names no map"):
        extending(tmp_path, text)


def test_a_circle_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("extends: b\n")
    (tmp_path / "b.yml").write_text("extends: a\n")
    with pytest.raises(ConfigError, match=r"a\.yml extends b\.yml extends a\.yml"):
        TargetMap.load("a", [tmp_path])

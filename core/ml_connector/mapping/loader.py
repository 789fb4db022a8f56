"""Map files: finding them by name, and reading YAML so that every word keeps its file and line."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from ml_connector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAPS_PACKAGE = "ml_connector_maps"
EXTENDS = "extends"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DEEPEST = 100
"""Levels of nesting that are read: libyaml's composer, which is in C, does not guard its stack."""

_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # some lack libyaml


@dataclass(frozen=True, slots=True)
class Place:
    """Where a word stands: file and line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a map check has to say. An error stops a run; a note is for people."""

    severity: str  # error, warning, note
    place: Place
    text: str  # the offending words
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f" `{self.text}`" if self.text else ""
        return f"{self.place}:{text} {self.message}. {self.remedy}".rstrip()


class MalformedMap(ConfigError):
    """A map file is wrong; `findings` names every mistake with its line."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        more = f" ({len(findings)} mistakes)" if len(findings) > 1 else ""
        super().__init__("\n".join([f"The map cannot be used{more}:", *(f"  {each}" for each in findings)]))


@dataclass(slots=True)
class Problems:
    """Collects the mistakes of one map, so that a person sees them all at once."""

    findings: list[Finding] = field(default_factory=list)

    def add(self, place: Place, text: str, message: str, remedy: str) -> None:
        """Note one mistake."""
        self.findings.append(Finding("error", place, text, message, remedy))

    def stop_if_any(self) -> None:
        """Raise MalformedMap when anything was noted."""
        if self.findings:
            raise MalformedMap(self.findings)


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar of a map file, as written; `value` is None for YAML null."""

    value: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Items:
    """A YAML list."""

    values: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Block:
    """A YAML mapping with the place of every key."""

    values: dict[str, Node]
    places: dict[str, Place]
    place: Place

    def plain(self) -> Iterator[tuple[str, Node]]:
        """Yield the entries that are not `__words__` of the vocabulary."""
        return ((key, node) for key, node in self.values.items() if not key.startswith("__"))


Node = Text | Items | Block


@dataclass(frozen=True, slots=True)
class MapFile:
    """A map file's text and tree; `version` changes with the text."""

    path: Path
    root: Block
    version: str


def search_path(*folders: Path) -> list[Path]:
    """Return where map files are looked for: the given folders first, then the installed maps package."""
    spec = importlib.util.find_spec(MAPS_PACKAGE)
    installed = [Path(each) for each in (spec.submodule_search_locations or ())] if spec else []
    return [*folders, *installed]


def find(name: str, search: Sequence[Path], suffix: str = "") -> Path:
    """Return the first file called `name` + `suffix` on the search path; raises ConfigError naming where it looked."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is not the name of a map file. Give a plain name without folders, such as tap_visma."
        )
    for folder in search:
        path = folder / f"{name}{suffix}"
        if path.is_file():
            return path
    looked = ", ".join(str(folder) for folder in search) or "no folder at all"
    raise ConfigError(f"There is no file {name}{suffix} in {looked}. Put it into your maps folder or correct the name.")


def digest(*texts: str) -> str:
    """Return a short stable hash of texts."""
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()[:16]


def load(name: str, search: Sequence[Path]) -> MapFile:
    """Read a map file into a tree that knows its lines; raises ConfigError or MalformedMap.

    A file that `extends` another one is that one, with its own entries in place of those of the same name.
    """
    return _load(name, search, ())


def _load(name: str, search: Sequence[Path], above: tuple[Path, ...]) -> MapFile:
    path = find(name, search, ".yml")
    if path in above:
        chain = " extends ".join(each.name for each in (*above, path))
        raise ConfigError(f"{path.name}: {chain}, so none of them is the first. Break the circle.")
    text, root = _read(path)
    if EXTENDS not in root.values:
        return MapFile(path, root, digest(text))
    base_name = _base_name(root)
    # A file of your own may extend the installed one of its own name: that is looked for behind it.
    behind = list(search)[[*search].index(path.parent) + 1 :] if base_name == name else search
    base = _load(base_name, behind, (*above, path))
    return MapFile(path, _over(base.root, root), digest(text, base.version))


def _base_name(root: Block) -> str:
    node = root.values[EXTENDS]
    if isinstance(node, Text) and node.value:
        return node.value
    raise MalformedMap([Finding("error", node.place, EXTENDS, "it names no map", "Name one, such as servicenow-s2p.")])


def _over(base: Block, own: Block) -> Block:
    """Return a base map with a file's own entries over it: those inside a block one by one, all others whole."""
    values, places = dict(base.values), dict(base.places)
    for key, node in own.values.items():
        before = values.get(key)
        values[key] = _entries(before, node) if isinstance(node, Block) and isinstance(before, Block) else node
        places[key] = own.places[key]
    del values[EXTENDS], places[EXTENDS]
    return Block(values, places, own.place)


def _entries(base: Block, own: Block) -> Block:
    """Return a block's entries with those of the same name replaced where they stand; null leaves one out."""
    values = {**base.values, **own.values}
    left = {key: node for key, node in values.items() if not (isinstance(node, Text) and node.value is None)}
    return Block(left, {**base.places, **own.places}, own.place)


def _read(path: Path) -> tuple[str, Block]:
    problems = Problems()
    try:
        text = path.read_text(encoding="utf-8")
        if _depth(text) > _DEEPEST:
            raise ConfigError(f"{path.name} is nested too deeply. Flatten it.")
        node = yaml.compose(text, Loader=_Loader)
        root = _Reader(path.name, problems).read(node) if node else None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    problems.stop_if_any()
    if not isinstance(root, Block):
        raise ConfigError(f"{path.name}:1: a map file is a YAML mapping. See the maps README for its vocabulary.")
    return text, root


def _depth(text: str) -> int:
    """Return how deep a YAML text is nested, or more than is read; raises YAMLError."""
    depth = deepest = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            break
    return deepest


def _unreadable(path: Path, error: Exception) -> ConfigError:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable characters"
    return ConfigError(f"{path.name}:{line}: this is not YAML: {what}. Check indentation, quotes and colons there.")


@dataclass(slots=True)
class _Reader:
    """Turns YAML's nodes into ours; anchors, merges and repeated keys are mistakes."""

    file: str
    problems: Problems
    seen: set[int] = field(default_factory=set)

    def read(self, node: yaml.Node, key: Place | None = None) -> Node:
        place = Place(self.file, node.start_mark.line + 1)
        if id(node) in self.seen:
            self.problems.add(place, "*", "a map file has no anchors", "Write the part out.")
            return Text(None, place)
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._block(node, key or place)
        if isinstance(node, yaml.SequenceNode):
            return Items(tuple(self.read(each) for each in node.value), place)
        return self._text(node, place)

    def _text(self, node: yaml.Node, place: Place) -> Text:
        kind = node.tag.rpartition(":")[2]
        if kind == "null":
            return Text(None, place)
        if kind == "bool" and node.value.lower() in {"true", "false"}:
            return Text(node.value.capitalize(), place)
        if kind == "timestamp":
            self.problems.add(place, node.value, "a bare date is not an expression", f"Write date('{node.value}').")
        return Text(str(node.value), place)

    def _block(self, node: yaml.MappingNode, place: Place) -> Block:
        block = Block({}, {}, place)
        for key_node, value_node in node.value:
            where = Place(self.file, key_node.start_mark.line + 1)
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
            if not key or key == "<<":
                self.problems.add(where, str(key), "this cannot be a key", "Use a plain word.")
            elif key in block.values:
                first = block.places[key]
                self.problems.add(where, key, f"the key stands here twice, first on line {first.line}", "Keep one.")
            else:
                block.places[key] = where
                block.values[key] = self.read(value_node, where)
        return block

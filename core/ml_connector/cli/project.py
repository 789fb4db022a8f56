"""The Meltano project a verb is called in: its environment, its store, its flows, and how its processes start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import yaml
from dotenv import dotenv_values
from sqlalchemy import make_url

from ml_connector.errors import ConfigError
from ml_connector.secrets.guard import process_redactor
from ml_connector.secrets.references import resolved
from ml_connector.secrets.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Sequence

STORE_VARIABLE = "ML_CONNECTOR_STORE_URL"
UTILITY = "ml-connector"
ONE, FOUR_EYES = "one", "four_eyes"
RUN = "ml-connector run"


class Pair(NamedTuple):
    """A tap and a target that a job joins."""

    extractor: str
    loader: str

    @property
    def pipeline(self) -> str:
        """What their flow is called in the store, unless a setting names it."""
        return f"{self.extractor}-to-{self.loader}"


class Plugin(NamedTuple):
    """A plugin as meltano.yml has it, after inheritance."""

    name: str
    kind: str  # extractors, loaders
    executable: str
    namespace: str
    config: dict[str, Any]
    settings: frozenset[str]  # their names; none when meltano.yml declares none


@dataclass(frozen=True)
class Project:
    """A folder with a meltano.yml, seen in one environment."""

    root: Path
    environment: str
    document: dict[str, Any]

    @classmethod
    def find(cls, environment: str | None = None, start: Path | None = None) -> Self:
        """Return the project around `start`, or the one a Meltano process was started in.

        Raises:
            ConfigError: There is no meltano.yml, it is not YAML, or it has no such environment.
        """
        start = _start(start)
        if (root := _root(start)) is None:
            raise ConfigError(f"there is no meltano.yml in {start} or above it. Change to the project's folder.")
        try:
            document = yaml.safe_load((root / "meltano.yml").read_text()) or {}
        except yaml.YAMLError as error:
            raise ConfigError(f"{root / 'meltano.yml'} is not YAML: {error}. Correct it.") from None
        known = [each["name"] for each in document.get("environments") or []]
        chosen = environment or os.environ.get("MELTANO_ENVIRONMENT") or document.get("default_environment") or ""
        if chosen and chosen not in known:
            raise ConfigError(f"meltano.yml has no environment {chosen!r}; it has {', '.join(known) or 'none'}.")
        return cls(root, chosen, document)

    @classmethod
    def is_here(cls) -> bool:
        """Return whether the working directory is in a project."""
        return _root(_start()) is not None

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables of this environment's processes: as Meltano reads them, `env:` before all else."""
        outside = {**os.environ, **{name: text for name, text in dotenv_values(self.root / ".env").items() if text}}
        around = {**outside, "MELTANO_PROJECT_ROOT": str(self.root), "MELTANO_ENVIRONMENT": self.environment}
        blocks = [each for each in self.document.get("environments") or [] if each["name"] == self.environment]
        values = {**outside, **(self.document.get("env") or {}), **(blocks[0].get("env") or {} if blocks else {})}
        stated = {name: Template(str(text)).safe_substitute(around) for name, text in values.items() if text}
        return {**stated, "MELTANO_PROJECT_ROOT": str(self.root)}

    @property
    def vault(self) -> Vault:
        """This environment's vault."""
        return Vault.find(self.environ)

    @property
    def store_url(self) -> str:
        """Where this environment's store is; the variable may refer to the vault."""
        stated = {STORE_VARIABLE: self.environ.get(STORE_VARIABLE, "")}
        found: str = resolved(stated, {}, process_redactor(), lambda: self.vault)[STORE_VARIABLE]
        return found or f"sqlite:///{self.root / '.ml-connector' / 'store.db'}"

    @property
    def folder(self) -> Path:
        """Where logs of this environment's runs go: beside the store when it is a file."""
        url = make_url(self.store_url)
        local = url.get_backend_name() == "sqlite" and url.database
        return Path(url.database).parent if local and url.database else self.root / ".ml-connector"

    @property
    def jobs(self) -> dict[str, list[Pair]]:
        """The jobs and the flows they run, in order."""
        return {
            job["name"]: [pair for task in job.get("tasks") or [] for pair in self._pairs(task)]
            for job in self.document.get("jobs") or []
        }

    @property
    def default_job(self) -> str | None:
        """The job that is meant when none is named: the first one of meltano.yml."""
        return next(iter(self.jobs), None)

    def again(self, pipeline: str) -> str:
        """Return the command that runs a pipeline: by its job, unless that is the default one, else by itself."""
        for job, pairs in self.jobs.items():
            if pipeline in (pair.pipeline for pair in pairs):
                return self.command([job])
        return self.command(self._pair(pipeline) or ())

    def command(self, blocks: Sequence[str]) -> str:
        """Return how to run blocks; the default job is not named, and options are left out."""
        named = [block for block in blocks if not block.startswith("-")]
        return " ".join([RUN, *(() if named == [self.default_job] else named)])

    def _pairs(self, task: str | list[str]) -> list[Pair]:
        loaders = {each["name"] for each in self._entries("loaders")}
        extractors = {each["name"] for each in self._entries("extractors")}
        pairs, source = [], ""
        for word in _words(task):
            if word in extractors:
                source = word
            elif word in loaders and source:
                pairs.append(Pair(source, word))
        return pairs

    def spelled(self, blocks: Sequence[str]) -> list[str]:
        """Return the plugins that blocks of `meltano run` name, those of jobs too; its options are left out."""
        tasks = {job["name"]: job.get("tasks") or [] for job in self.document.get("jobs") or []}
        named = [block for block in blocks if not block.startswith("-")]
        return [word for block in named for task in tasks.get(block, [block]) for word in _words(task)]

    def pairs(self, plugins: Sequence[str]) -> list[Pair]:
        """Return the flows that plugins make in this order."""
        return self._pairs(list(plugins))

    def pair_of(self, pipeline: str) -> Pair:
        """Return the tap and the target that a pipeline of the store is named after.

        Raises:
            ConfigError: No two plugins of meltano.yml make that name.
        """
        if pair := self._pair(pipeline):
            return pair
        raise ConfigError(f"no tap and target of meltano.yml make the pipeline {pipeline!r}. Was a plugin renamed?")

    def _pair(self, pipeline: str) -> Pair | None:
        taps, targets = self._entries("extractors"), self._entries("loaders")
        every = (Pair(tap["name"], target["name"]) for tap in taps for target in targets)
        return next((pair for pair in every if pair.pipeline == pipeline), None)

    @property
    def approval(self) -> str:
        """How many people it takes to change what waits: `one`, or `four_eyes`.

        The utility plugin's setting, read from meltano.yml alone, which is under version control: neither the
        environment nor the store can switch it off.

        Raises:
            ConfigError: It is neither.
        """
        entries = [each for each in self._entries("utilities") if each["name"] == UTILITY]
        stated = {name: text for entry in entries for name, text in (entry.get("config") or {}).items()}
        found = str((stated | self._of_environment("utilities", UTILITY)).get("approval") or ONE)
        if found not in (ONE, FOUR_EYES):
            raise ConfigError(f"`approval` of the utility {UTILITY} is {found!r}. Write {ONE} or {FOUR_EYES}.")
        return found

    def _of_environment(self, kind: str, name: str) -> dict[str, Any]:
        """Return what the environment's block says of a plugin."""
        blocks = [each for each in self.document.get("environments") or [] if each["name"] == self.environment]
        plugins = ((blocks[0].get("config") or {}).get("plugins") or {} if blocks else {}).get(kind) or []
        return {
            key: value for each in plugins if each["name"] == name for key, value in (each.get("config") or {}).items()
        }

    def _entries(self, kind: str) -> list[dict[str, Any]]:
        return list((self.document.get("plugins") or {}).get(kind) or [])

    def plugin(self, name: str) -> Plugin:
        """Return a tap or a target by its name.

        Raises:
            ConfigError: meltano.yml has no such plugin.
        """
        for kind in ("extractors", "loaders"):
            entries = {each["name"]: each for each in self._entries(kind)}
            if name in entries:
                line = [entries[name]]
                while (parent := line[-1].get("inherit_from")) in entries:
                    line.append(entries[parent])
                merged: dict[str, Any] = {"executable": line[-1]["name"]}
                for entry in reversed(line):
                    here = {**(entry.get("config") or {}), **self._of_environment(kind, entry["name"])}
                    merged |= {**entry, "config": {**merged.get("config", {}), **here}}
                namespace = merged.get("namespace") or name.replace("-", "_")
                declared = frozenset(setting["name"] for setting in merged.get("settings") or [])
                return Plugin(name, kind, merged["executable"], namespace, merged["config"], declared)
        known = [each["name"] for kind in ("extractors", "loaders") for each in self._entries(kind)]
        raise ConfigError(f"meltano.yml has no tap or target {name!r}; it has {', '.join(known) or 'none'}.")


def _words(task: str | list[str]) -> list[str]:
    return task.split() if isinstance(task, str) else [word for part in task for word in part.split()]


def _start(start: Path | None = None) -> Path:
    """Return where to look for a project: where Meltano says, else from `start` or the working directory upwards."""
    named = os.environ.get("MELTANO_PROJECT_ROOT")
    return Path(named) if named else (start or Path.cwd())


def _root(start: Path) -> Path | None:
    return next((folder for folder in (start, *start.parents) if (folder / "meltano.yml").is_file()), None)

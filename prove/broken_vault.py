"""A vault under attack: every byte flipped, values swapped between fields, wrong and old keys; it must stay shut."""

from __future__ import annotations

import base64
from itertools import permutations
from typing import TYPE_CHECKING

import msgspec
from ml_connector.errors import ConfigError
from ml_connector.secrets import Secret
from ml_connector.secrets.document import Document
from ml_connector.secrets.vault import Vault

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from prove.proof import Proof

NAMES = ("visma.client_secret", "visma.refresh_token", "servicenow.password", "store.url")


class Attack:
    """One vault and its key file, changed and put back."""

    def __init__(self, proof: Proof, folder: Path) -> None:
        self._proof = proof
        self.path, self.key = folder / "vault" / "vault.json", folder / "keys" / "key"
        environ = {"ML_CONNECTOR_VAULT": str(self.path), "ML_CONNECTOR_KEY_FILE": str(self.key)}
        self.vault = Vault.find(environ)
        self.values = {name: f"cnry-value-of-{name}-" for name in NAMES}
        for name, value in self.values.items():
            self.vault.put(name, Secret(value))

    def stays_shut(self, how: str) -> None:
        """Require that no value comes out, and that the error names none."""
        for name in NAMES:
            try:
                self.vault.get(name)
            except ConfigError as error:
                told = str(error)
                self._proof.require(not any(value in told for value in self.values.values()), f"{how}: quoted")
            else:
                self._proof.require(False, f"{how}: {name} opened")

    def is_whole(self) -> None:
        """Require that the vault, put back, opens: the attacks hit what they meant to hit."""
        opened = {name: self.vault.get(name).reveal() for name in NAMES}
        self._proof.require(opened == self.values, "the vault does not open when it is put back")


def attack(proof: Proof, folder: Path, chance: random.Random) -> None:
    """Attack a vault in every way, and count."""
    target = Attack(proof, folder)
    whole, key = target.path.read_bytes(), target.key.read_bytes()
    for place in range(len(whole)):
        flipped = whole[place] ^ (1 << chance.randrange(8))
        target.path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        target.stays_shut(f"byte {place} flipped")
    target.path.write_bytes(whole)
    proof.numbers["vault: bytes flipped"] = len(whole)
    proof.numbers["vault: values swapped"] = _swap(target, whole)
    target.path.write_bytes(whole)
    proof.numbers["vault: wrong keys"] = _wrong_keys(target, key, chance)
    target.key.write_bytes(key)
    target.is_whole()
    target.vault.rotate(key=True, data_key=True)
    new = target.key.read_bytes()
    target.key.write_bytes(key)
    target.stays_shut("the old key after a rotation")
    target.key.write_bytes(new)
    target.is_whole()
    target.path.write_bytes(whole)
    target.stays_shut("the old vault after a rotation")
    proof.numbers["vault: old keys and old vaults"] = 2
    proof.require_work("vault: bytes flipped", "vault: values swapped", "vault: wrong keys")


def _swap(target: Attack, whole: bytes) -> int:
    """Put every value in every other's place."""
    pairs = list(permutations(NAMES, 2))
    for one, other in pairs:
        document = msgspec.json.decode(whole, type=Document)
        document.secrets[one] = msgspec.structs.replace(document.secrets[one], sealed=document.secrets[other].sealed)
        target.path.write_bytes(document.text())
        target.stays_shut(f"{other}'s value in {one}'s place")
    return len(pairs)


def _wrong_keys(target: Attack, key: bytes, chance: random.Random, count: int = 50) -> int:
    """Try other keys, none, and keys that differ in one bit."""
    head, line = key.splitlines()
    vault, text = line.split()
    right = base64.b64decode(text)
    for number in range(count):
        place = number % len(right)
        near = right[:place] + bytes([right[place] ^ 1]) + right[place + 1 :]
        wrong = near if number % 2 else chance.randbytes(len(right))
        target.key.write_bytes(b"\n".join([head, vault + b" " + base64.b64encode(wrong), b""]))
        target.stays_shut("a wrong key")
    target.key.write_bytes(head + b"\n")
    target.stays_shut("no key")
    return count + 1

"""What can go wrong, when, and how often."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal[
    "latency",  # the answer comes `seconds` late
    "status",  # `status`, `headers` and `body` instead of the vendor's answer; nothing is done
    "html",  # 200 with an HTML page, as a login page, a gateway or a sleeping instance sends
    "truncated",  # the vendor's answer, done and committed, with its body cut short
    "reset",  # TCP RST before anything is done
    "timeout",  # no answer for `seconds`, then the connection closes; nothing is done
    "token_expiry",  # every access token issued so far is invalid from this request on
    "commit_then_drop",  # done and committed, then the connection closes without an answer
    "commit_late",  # no answer; done and committed `delay` simulated seconds later
]


@dataclass
class Fault:
    """One way to misbehave, for the requests it matches.

    `path` is a regular expression found anywhere in the path, any case; without it a fault leaves token and `/_sim`
    requests alone. `text` is one found in what the request says, where a simulator tells (Snowflake: the SQL). The
    first `after` matching requests pass, then it strikes `times` times (None: for ever), each time with `probability`,
    drawn from `seed`.
    """

    kind: Kind
    path: str | None = None
    method: str | None = None
    text: str | None = None
    after: int = 0
    times: int | None = 1
    probability: float = 1.0
    seed: int = 0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = ""  # a text is sent as it is, anything else as JSON
    seconds: float = 0.0
    delay: float = 0.0
    promise_whole_length: bool = False  # truncated: Content-Length of the whole body, so that the read breaks off
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown fault kind {self.kind!r}; one of {', '.join(get_args(Kind))}")
        self._random = random.Random(self.seed)  # noqa: S311  repeatable chance, not secrecy

    def matches(self, method: str, path: str, *, is_token_request: bool, text: str = "") -> bool:
        """Whether this fault is about such requests at all."""
        if self.method is not None and self.method.upper() != method:
            return False
        if self.text is not None and re.search(self.text, text, re.IGNORECASE) is None:
            return False
        if self.path is None:
            return not is_token_request
        return re.search(self.path, path, re.IGNORECASE) is not None

    def strikes(self) -> bool:
        """Count one matching request and say whether the fault hits it."""
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.struck >= self.times):
            return False
        if self._random.random() >= self.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults of one simulator; each request is hit by the first that strikes."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Arm a fault; it is returned so that a test can read how often it `struck`."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Disarm all faults."""
        with self._lock:
            self._faults.clear()

    def all(self) -> list[Fault]:
        """The armed faults, spent ones too."""
        with self._lock:
            return list(self._faults)

    def strike(self, method: str, path: str, *, is_token_request: bool, text: str = "") -> Fault | None:
        """The fault that hits this request, if any."""
        with self._lock:
            for fault in self._faults:
                matches = fault.matches(method, path, is_token_request=is_token_request, text=text)
                if matches and fault.strikes():
                    return fault
        return None

"""The second layer: a process that logs, warns, prints and dies in every way it can, and never shows a secret."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
import textwrap
from urllib.parse import quote

import pytest
from ml_connector.secrets import Redactor

SECRET = 'c4nary/"S3cret"+värde'  # something for JSON, URLs and base64 each to change
LINES = "-----BEGIN KEY-----\nMIIcanaryLine1\nMIIcanaryLine2\n-----END KEY-----"

BEGIN = f"""
import json, logging, subprocess, sys, threading, traceback, warnings
from ml_connector.errors import ConfigError
from ml_connector.secrets import Redactor
from ml_connector.secrets.guard import guard_process
SECRET, LINES = {SECRET!r}, {LINES!r}
logging.basicConfig(level="DEBUG")
early = logging.getLogger("early")
early.addHandler(logging.StreamHandler())
early.propagate = False
guard_process(Redactor([SECRET, LINES]))

def fail(error=ValueError):
    try:
        raise KeyError(SECRET)
    except KeyError as cause:
        raise error(f"cannot use {{SECRET}}") from cause
"""

ALIVE = {
    "a message": "logging.error('the secret is %s', SECRET)",
    "a logger with a handler of its own": "early.warning(SECRET)",
    "a handler added later": """
        late = logging.getLogger("late"); late.propagate = False
        late.addHandler(logging.StreamHandler(sys.__stderr__)); late.error("x %s", {"deep": [SECRET]})
        """,
    "a file that another library logs to": """
        late = logging.getLogger("file"); late.addHandler(logging.FileHandler(sys.argv[1]))
        late.error(SECRET)
        try: fail()
        except ValueError: late.exception("it failed")
        """,
    "an exception with its chain": """
        try: fail()
        except ValueError: logging.exception("it failed")
        """,
    "a printed traceback": """
        try: fail()
        except ValueError: traceback.print_exc()
        """,
    "a stack": "logging.error('stack ' + SECRET, stack_info=True, extra={'more': SECRET})",
    "a warning": "warnings.warn('beware of ' + SECRET)",
    "a captured warning": "logging.captureWarnings(True); warnings.warn('now beware of ' + SECRET)",
    "a thread": "thread = threading.Thread(target=fail); thread.start(); thread.join()",
    "what cannot be raised": """
        class Broken:
            def __del__(self): fail()
        del [Broken()][0]
        """,
    "a message that does not fit": "logging.error('%d', SECRET)",
    "a print in pieces": "print('x', SECRET[:5], sep='', end='', file=sys.stderr); print(SECRET[5:], file=sys.stderr)",
    "no line end": "sys.stderr.write('half a line ' + SECRET); sys.stderr.flush()",
    "several lines": "print(LINES, file=sys.stderr); logging.error('%s', LINES)",
    "other encodings": """
        import base64, urllib.parse
        for shift in range(3): logging.error(base64.b64encode(b'x' * shift + SECRET.encode() + b'yz').decode())
        logging.error(urllib.parse.quote(SECRET)); logging.error(urllib.parse.quote_plus(SECRET))
        logging.error(json.dumps({'a': SECRET})); logging.error(json.dumps({'a': SECRET}, ensure_ascii=False))
        logging.error(SECRET.encode().hex()); logging.error(repr(SECRET)); logging.error(repr(SECRET.encode()))
        """,
}
DEAD = {
    "an exception nobody caught": "fail()",
    "one of our own": "fail(ConfigError)",
    "a click command": """
        import click
        @click.command()
        @click.option("--x", type=int)
        def command(x): ...
        command(["--x", SECRET])
        """,
    "an exit with words": "sys.exit('cannot go on with ' + SECRET)",
    "an exception while another is handled": """
        try: fail()
        except ValueError: raise RuntimeError(SECRET)
        """,
}


def forms() -> list[str]:
    data = SECRET.encode()
    return [
        SECRET,
        "MIIcanaryLine1",
        "MIIcanaryLine2",
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET, safe=""),
        quote(SECRET),
        data.hex(),
        *(base64.b64encode(b"x" * shift + data)[(0, 2, 3)[shift] : -4].decode()[:20] for shift in range(3)),
        "c4nary",
    ]


def run(body: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = BEGIN + textwrap.dedent(body)
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)


def assert_clean(text: str) -> None:
    assert [form for form in forms() if form in text] == []


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What one process says that does everything it can and lives; the log file of another library."""
    path = tmp_path_factory.mktemp("logs") / "other.log"
    parts = [f"print('=== {name}', file=sys.stderr)\n{textwrap.dedent(body)}" for name, body in ALIVE.items()]
    done = run("\n".join(parts), str(path))
    assert done.returncode == 0, done.stderr
    return done.stderr, path.read_text()


@pytest.mark.parametrize("name", ALIVE)
def test_a_process_that_lives(alive: tuple[str, str], name: str) -> None:
    told, after = alive[0].split(f"=== {name}\n")[1].split("=== ")[0], alive[1]
    assert told.strip(), "nothing was said, so nothing was proven"
    assert_clean(told)
    assert "***" in told or name == "a file that another library logs to"
    assert "***" in after
    assert_clean(after)


@pytest.mark.parametrize("name", DEAD)
def test_a_process_that_dies(name: str) -> None:
    done = run(DEAD[name])
    assert done.returncode != 0
    assert "***" in done.stderr
    assert_clean(done.stderr + done.stdout)


def test_lines_of_text_come_out_as_they_went_in() -> None:
    done = run("for n in range(3): print('line', n, file=sys.stderr)\nlogging.info('ünïcode %s', 1)")
    assert done.stderr.splitlines()[-4:] == ["line 0", "line 1", "line 2", "INFO:root:ünïcode 1"]


def test_values_of_records_are_masked_while_they_are_under_way() -> None:
    redactor = Redactor()
    redactor.note(["8601.11.17947", "abc"])
    assert redactor.clean("account 8601.11.17947, abc") == "account ***, abc"
    redactor.note([f"{number:08}" for number in range(10_000)])
    assert redactor.clean("account 8601.11.17947") == "account 8601.11.17947", "only the newest are kept"
    assert redactor.clean("00009999") == "***"


def test_a_guard_is_replaced_and_not_stacked(monkeypatch: pytest.MonkeyPatch) -> None:
    from ml_connector.secrets.guard import CleanStream, Guard, guard_process, process_redactor  # noqa: PLC0415

    monkeypatch.setattr(sys, "stderr", sys.stderr)
    before = logging.getLogRecordFactory()
    try:
        for _ in range(3):
            guard_process(redactor := Redactor(["hush-hush"]))
        assert isinstance(sys.stderr, CleanStream)
        assert not isinstance(sys.stderr.stream, CleanStream)
        factory = logging.getLogRecordFactory()
        assert isinstance(factory, Guard)
        assert not isinstance(factory._make, Guard)
        assert process_redactor() is redactor
    finally:
        logging.setLogRecordFactory(before)

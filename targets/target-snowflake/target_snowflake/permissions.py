"""What `--ping` tries: sign-in, warehouse, database and schema, and whether the role may load there.

Snowflake has no way to ask whether a role may create something: grants come through roles of roles, and ownership. So
`--ping` really creates one empty transient table and, where the stage is not there, one empty stage, both called
`_ML_PING_` and eight characters, and drops them; where the schema is not there, an empty schema instead. It loads no
row, and does not start a suspended warehouse, which would cost credits.
"""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import Check
from ml_connector.errors import AuthError, BadAnswer, ConfigError, ConnectorError, EnvironmentFault, Unreachable

from target_snowflake.auth import PASSWORDS_END, Method
from target_snowflake.errors import Missing, NotAllowed
from target_snowflake.names import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_snowflake.connection import Session

DEFAULT_STAGE = "_ML_STAGE"
_TRUE = ("true", "y", "yes")
_SUSPENDED = "SUSPENDED"


def checks(session: Session, config: Mapping[str, Any]) -> Iterator[Check]:
    """Yield each check; what concerns all of them (sign-in, network) raises and ends them."""
    yield from _who(session)
    yield _network(session)
    yield _warehouse(session)
    database = _used(session, "database", f"DATABASE {quoted(session.where()[0])}")
    yield database
    if database.ok:
        yield from _in_database(session, config)


def _in_database(session: Session, config: Mapping[str, Any]) -> Iterator[Check]:
    schema = _used(session, "schema", f"SCHEMA {_path(*session.where())}")
    if schema.ok:
        yield schema
        yield _tried(session, "TABLE", _path(*session.where(), _throwaway()), '("PING" NUMBER(1, 0))')
        yield _stage(session, config)
        return
    made = _tried(session, "SCHEMA", _path(session.where()[0], _throwaway()))
    if made.ok:
        yield Check("schema", ok=True, detail=f"{'.'.join(session.where())} is not there: the first load makes it")
    else:
        yield schema
    yield made


def _who(session: Session) -> Iterator[Check]:
    identity = session.identity()
    names = ("user", "role", "warehouse", "region")
    found = {name: session.ask(f"CURRENT_{name.upper()}()")[0] for name in names}
    known = {name: str(value) for name, value in found.items() if value}
    words = ", ".join(f"{name} {value}" for name, value in known.items())
    yield Check("sign in", ok=True, detail=f"{identity.label} as {words}", data={"identity": identity.id, **known})
    if session.options.method is Method.PASSWORD:
        yield Check(
            "credentials",
            ok=True,
            detail=PASSWORDS_END.partition(". ")[0],
            suggestion="Sign in with a key pair or a programmatic access token.",
            data={"warning": True},
        )


def _network(session: Session) -> Check:
    address = session.ask("CURRENT_IP_ADDRESS()")[0]
    if not address:
        return Check("network", ok=True, detail="the server does not tell from which address it is reached")
    words = f"Snowflake is reached from {address}: the address a network policy must let in"
    return Check("network", ok=True, detail=words, data={"address": str(address)})


def _warehouse(session: Session) -> Check:
    name = _identifier(session.options.warehouse) or str(session.ask("CURRENT_WAREHOUSE()")[0] or "")
    if not name:
        return Check(
            "warehouse",
            ok=False,
            detail="none is set, and the user has none by default",
            suggestion="Set `warehouse`, and let an administrator type: GRANT USAGE ON WAREHOUSE … TO ROLE …;",
        )
    try:
        session.execute(f"USE WAREHOUSE {quoted(name)}")
    except (Missing, NotAllowed, BadAnswer) as error:
        role = session.options.place.words()["role"]
        cure = f"Check `warehouse`, or let an administrator type: GRANT USAGE ON WAREHOUSE {name} TO ROLE {role};"
        return Check("warehouse", ok=False, detail=f"{name}: {error}", suggestion=cure)
    return _state(name, _shown(session, "WAREHOUSES", name))


def _state(name: str, row: Mapping[str, Any] | None) -> Check:
    if row is None:
        return Check("warehouse", ok=True, detail=f"{name} may be used; its state is not shown to this role")
    state, resumes = str(row.get("state")).upper(), str(row.get("auto_resume")).lower() in _TRUE
    data = {"warehouse": name, "state": state, "auto_resume": resumes, "size": str(row.get("size"))}
    if state == _SUSPENDED and not resumes:
        return Check(
            "warehouse",
            ok=False,
            detail=f"{name} is suspended and does not start by itself",
            suggestion=f"Let an administrator type: ALTER WAREHOUSE {name} SET AUTO_RESUME = TRUE;",
            data=data,
        )
    starts = ", starts with the first statement" if state == _SUSPENDED else ""
    return Check("warehouse", ok=True, detail=f"{name} ({data['size']}) is {state.lower()}{starts}", data=data)


def _used(session: Session, name: str, what: str) -> Check:
    """Tell whether a database or schema may be used."""
    role = session.options.place.words()["role"]
    try:
        session.execute(f"USE {what}")
    except (Missing, NotAllowed, BadAnswer) as error:
        cure = f"Check `{name}`, or let an administrator type: CREATE {what}; GRANT USAGE ON {what} TO ROLE {role};"
        return Check(name, ok=False, detail=str(error), suggestion=cure)
    return Check(name, ok=True, detail=f"{what.partition(' ')[2]} may be used")


def _stage(session: Session, config: Mapping[str, Any]) -> Check:
    name = str(config.get("stage") or DEFAULT_STAGE)
    if _shown(session, "STAGES", name) is not None:
        return Check("stage", ok=True, detail=f"{name} is there")
    return _tried(session, "STAGE", _path(*session.where(), _throwaway()))


def _tried(session: Session, kind: str, name: str, columns: str = "") -> Check:
    """Create something and drop it again."""
    check, transient = f"create {kind.lower()}s", "TRANSIENT " if columns else ""
    try:
        session.execute(f"CREATE {transient}{kind} {name} {columns}".strip())
    except Unreachable:
        raise
    except (AuthError, ConfigError, BadAnswer, EnvironmentFault) as error:
        cure = f"Let an administrator type: {error.grant}" if isinstance(error, NotAllowed) else ""
        return Check(check, ok=False, detail=str(error), suggestion=cure)
    drop = f"DROP {kind} IF EXISTS {name}"
    try:
        session.execute(drop)
    except ConnectorError as error:
        told = f"may {check}; the one tried is still there ({error})"
        return Check(check, ok=True, detail=told, suggestion=f"Type: {drop};")
    return Check(check, ok=True, detail=f"may {check}: one was created and dropped")


def _path(*names: str) -> str:
    return ".".join(map(quoted, names))


def _throwaway() -> str:
    return f"_ML_PING_{token_hex(4).upper()}"


def _shown(session: Session, kind: str, name: str) -> Mapping[str, Any] | None:
    """Return SHOW's row of one object; `_` in a name is a wildcard there, so the name is compared again."""
    try:
        rows = session.execute(f"SHOW {kind} LIKE {literal(name)}").named()
    except BadAnswer:
        return None
    return next((row for row in rows if row.get("name") == name), None)


def _identifier(text: str) -> str:
    """Return an object's own name: upper case unless it stands in double quotes."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.upper()

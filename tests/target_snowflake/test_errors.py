"""Each fault of Snowflake becomes the error of our tree that says what to do, whichever connector tells of it."""

from __future__ import annotations

import logging

import pytest
from ml_connector.errors import (
    AuthError,
    BadAnswer,
    ConfigError,
    ConnectorError,
    EnvironmentFault,
    Forbidden,
    Retryable,
    Unreachable,
)
from ml_connector.secrets import Redactor
from ml_connector.secrets.guard import Guard
from snowflake.connector.errors import DatabaseError, OperationalError, ProgrammingError
from target_snowflake.errors import BatchRefused, CommitInDoubt, ConnectionLost, Missing, NotAllowed, Place, translate

PLACE = Place("acme-fin", "LOADER", "LOAD_ROLE", "LOAD_WH", "FIN", "RAW", "key_pair")
HOST = "acme-fin.snowflakecomputing.com:443"


def fault(message, code=None, sqlstate="08001", kind=ProgrammingError, *, query_id=None):
    return kind(msg=message, errno=code, sqlstate=sqlstate, sfqid=query_id, send_telemetry=False)


def login(message, code):
    """Return a failed sign-in as connector 4.8.1 raises it."""
    return fault(f"Failed to connect to DB: {HOST}. {message}", code, kind=DatabaseError)


# code, what Snowflake says, the class, words of the advice
LOGINS = [
    (390144, "JWT token is invalid. [0ce9eb56-821d-4ca9-a774-04ae89a0cf5a]", AuthError, "SET RSA_PUBLIC_KEY"),
    (394304, "JWT token is invalid.", AuthError, "RSA_PUBLIC_KEY_FP"),
    (390100, "Incorrect username or password was specified.", AuthError, "Check user, password, and account"),
    (390101, "User access disabled. Contact your local system administrator.", AuthError, "SET DISABLED = FALSE"),
    (
        390102,
        "Your user account has been temporarily locked due to too many failed attempts.",
        AuthError,
        "MINS_TO_UNLOCK = 0",
    ),
    (
        390189,
        "Role 'LOAD_ROLE' specified in the connect string does not exist or not authorized. Contact them.",
        AuthError,
        "GRANT ROLE LOAD_ROLE TO USER LOADER;",
    ),
    (
        390186,
        "User's configured default role 'SYSADMIN' is not granted to this user. Contact your administrator.",
        AuthError,
        "GRANT ROLE",
    ),
    (390201, "The requested warehouse does not exist or not authorized.", EnvironmentFault, "ON WAREHOUSE LOAD_WH"),
    (
        390422,
        "Incoming request with IP/Token 203.0.113.7 is not allowed to access Snowflake. Contact your administrator.",
        AuthError,
        "egress address",
    ),
    (390432, "Network policy is required.", AuthError, "SET NETWORK_POLICY"),
    (394400, "Programmatic access token is invalid.", AuthError, "ADD PROGRAMMATIC ACCESS TOKEN"),
    (390303, "Invalid OAuth access token. [0ce9eb56]", AuthError, "SYSTEM$GET_LOGIN_FAILURE_DETAILS"),
    (390318, "OAuth access token expired. [0ce9eb56]", AuthError, "Get a new one"),
    (
        390202,
        "Authentication attempt rejected by the current authentication policy.",
        AuthError,
        "this way to sign in (key_pair)",
    ),
    (390197, "Multi-factor authentication is required for this account.", AuthError, "TYPE = SERVICE"),
    (666, "Your account is suspended due to lack of payment method.", EnvironmentFault, "settles it with Snowflake"),
]


@pytest.mark.parametrize(("code", "text", "kind", "words"), LOGINS)
@pytest.mark.parametrize("generic", [False, True], ids=["own code", "250001"])
def test_a_refused_sign_in_is_told_by_its_number_or_by_its_words(code, text, kind, words, generic) -> None:
    error = translate(login(text, 250001 if generic else code), PLACE, connecting=True)
    if generic and code == 390201:
        assert isinstance(error, EnvironmentFault)
    assert type(error) is kind
    assert words in str(error)
    assert text.partition(". ")[0].rstrip(".") in str(error)
    assert f"[{250001 if generic else code:06d}]" in str(error)
    assert error.exit_code == 3


def test_a_network_policy_names_the_address_it_refused() -> None:
    error = translate(login(LOGINS[8][1], 390422), PLACE, connecting=True)
    assert "203.0.113.7" in str(error)
    assert "ALTER NETWORK POLICY" in str(error)


STATEMENTS = [
    (
        606,
        "57P03",
        "No active warehouse selected in the current session.  Select one.",
        EnvironmentFault,
        "GRANT USAGE",
    ),
    (
        90073,
        "22000",
        "Warehouse 'LOAD_WH' cannot be resumed because resource monitor 'RM' has exceeded its quota.",
        EnvironmentFault,
        "credits",
    ),
    (
        604,
        "57014",
        "Warehouse 'LOAD_WH' is suspended. Use 'alter warehouse LOAD_WH resume;' if you need to use it again.",
        EnvironmentFault,
        "SET AUTO_RESUME = TRUE",
    ),
    (580503, "08001", "HTTP 503: Service Unavailable", ConnectionLost, ""),
    (290404, "08001", "404 Not Found: post acme/queries/v1/query-request", ConnectionLost, ""),
    (6, None, "Invalid Snowflake response. Snowflake responded with error status: 403 Forbidden", ConnectionLost, ""),
    (608, "57P03", "Something else about it", EnvironmentFault, "SET AUTO_RESUME = TRUE"),
    (603, "XX000", "IO Error: No space left on device", EnvironmentFault, "no room left"),
    (390114, "08001", "Authentication token has expired.  The user must authenticate again.", ConnectionLost, ""),
    (390112, "08001", "Your session has expired. Please login again.", ConnectionLost, ""),
    (390111, "08001", "Session no longer exists.  New login required to access the service.", ConnectionLost, ""),
    (390195, "08001", "The provided ID Token is invalid.", ConnectionLost, ""),
    (290500, "08001", "HTTP 500: Internal Server Error", ConnectionLost, ""),
    (290503, "08001", "HTTP 503: Service Unavailable", ConnectionLost, ""),
    (290000, None, "HTTP 504: Gateway Timeout", ConnectionLost, ""),
    (250003, None, "Failed to execute request: ('Connection aborted.', ConnectionResetError(104))", ConnectionLost, ""),
    (250002, "08003", "Connection is closed", ConnectionLost, ""),
    (604, "57014", "SQL execution was cancelled by the client due to a timeout.", ConnectionLost, ""),
    (253003, None, "Failed to upload a file to the stage", ConnectionLost, ""),
    (625, "57014", "Statement 'x' has locked table 'T' in transaction 1 and was not released.", ConnectionLost, ""),
    (1003, "42000", "SQL compilation error: syntax error line 1", BadAnswer, "not in the connector's error table"),
    (4711, None, "Something new", BadAnswer, "004711"),
]


@pytest.mark.parametrize(("code", "sqlstate", "text", "kind", "words"), STATEMENTS)
def test_a_failed_statement_is_told_by_what_happens_next(code, sqlstate, text, kind, words) -> None:
    error = translate(fault(text, code, sqlstate, query_id="01ab-cd"), PLACE)
    assert type(error) is kind
    assert words in str(error)
    assert "01ab-cd" in str(error)
    assert isinstance(error, Retryable) is (kind is ConnectionLost)


def test_commit_in_doubt_is_a_lost_connection_that_is_told_apart() -> None:
    assert issubclass(CommitInDoubt, ConnectionLost)


PRIVILEGES = [
    (
        "Insufficient privileges to operate on schema 'RAW'",
        'CREATE OR REPLACE TRANSIENT TABLE "FIN"."RAW"."T" (A NUMBER)',
        "GRANT CREATE TABLE ON SCHEMA FIN.RAW TO ROLE LOAD_ROLE;",
    ),
    (
        "Insufficient privileges to operate on schema 'RAW'",
        'create stage if not exists "_ML_STAGE"',
        "GRANT CREATE STAGE ON SCHEMA FIN.RAW TO ROLE LOAD_ROLE;",
    ),
    (
        "Insufficient privileges to operate on schema 'RAW'.",
        "CREATE FILE FORMAT F TYPE = PARQUET",
        "GRANT CREATE FILE FORMAT ON SCHEMA FIN.RAW TO ROLE LOAD_ROLE;",
    ),
    (
        "Insufficient privileges to operate on database 'FIN'",
        "CREATE SCHEMA IF NOT EXISTS RAW",
        "GRANT CREATE SCHEMA ON DATABASE FIN TO ROLE LOAD_ROLE;",
    ),
    (
        "Insufficient privileges to operate on table 'SUPPLIERS'",
        "INSERT INTO SUPPLIERS SELECT 1",
        "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLE FIN.RAW.SUPPLIERS TO ROLE LOAD_ROLE;",
    ),
    (
        "Insufficient privileges to operate on table 'SUPPLIERS'",
        "ALTER TABLE SUPPLIERS ADD COLUMN B NUMBER",
        "GRANT OWNERSHIP ON TABLE FIN.RAW.SUPPLIERS TO ROLE LOAD_ROLE;",
    ),
    (
        "Insufficient privileges to operate on stage '_ML_STAGE'",
        "PUT file:///x @_ML_STAGE",
        "GRANT READ, WRITE ON STAGE FIN.RAW._ML_STAGE TO ROLE LOAD_ROLE;",
    ),
    (
        "Insufficient privileges to operate on warehouse 'LOAD_WH'",
        "SELECT 1",
        "GRANT USAGE ON WAREHOUSE LOAD_WH TO ROLE LOAD_ROLE;",
    ),
]


@pytest.mark.parametrize(("text", "sql", "grant"), PRIVILEGES)
def test_a_missing_privilege_names_the_grant(text, sql, grant) -> None:
    error = translate(fault(f"SQL access control error:\n{text}", 3001, "42501"), PLACE, sql=sql)
    assert isinstance(error, NotAllowed)
    assert isinstance(error, Forbidden)
    assert error.grant == grant
    assert str(error).endswith(grant)


def test_an_unset_role_is_a_gap_to_fill_in_the_grant() -> None:
    text = "Insufficient privileges to operate on schema 'RAW'"
    error = translate(fault(text, 3001, "42501"), Place(database="FIN", schema="RAW"), sql="CREATE TABLE T (A INT)")
    assert str(error).endswith("GRANT CREATE TABLE ON SCHEMA FIN.RAW TO ROLE <role>;")


OBJECTS = [
    (2003, "Database 'FIN' does not exist or not authorized.", "database", "FIN", "CREATE DATABASE FIN"),
    (2003, "Schema 'FIN.RAW' does not exist or not authorized.", "schema", "FIN.RAW", "GRANT USAGE ON SCHEMA FIN.RAW"),
    (2003, "Object 'T' does not exist or not authorized.", "object", "T", "may not see it"),
    (2003, "Table 'T' does not exist or not authorized.", "table", "T", "may not see it"),
    (2043, "Object does not exist, or operation cannot be performed.", "object", "", "may not see it"),
    (90105, "Cannot perform SELECT. This session does not have a current database.", "object", "", "role LOAD_ROLE"),
]


@pytest.mark.parametrize(("code", "text", "kind", "name", "words"), OBJECTS)
def test_a_missing_object_is_named_with_what_creates_or_grants_it(code, text, kind, name, words) -> None:
    error = translate(fault(f"SQL compilation error:\n{text}", code, "02000"), PLACE)
    assert isinstance(error, Missing)
    assert isinstance(error, ConfigError)
    assert (error.kind, error.name) == (kind, name)
    assert words in str(error)


def test_a_value_that_does_not_fit_is_told_with_its_place_in_the_batch() -> None:
    text = (
        "Numeric value '12,50' is not recognized\n  File '@TMP/part-0.parquet', line 25930, character 96\n"
        '  Row 25931, column "SUPPLIERS"["AMOUNT":2]\n  If you would like to continue loading when an error is '
        "encountered, use other values such as 'SKIP_FILE' or 'CONTINUE' for the ON_ERROR option."
    )
    error = translate(fault(text, 100038, "22018"), PLACE)
    assert isinstance(error, BatchRefused)
    refusal = error.refusal
    assert (refusal.code, refusal.value, refusal.column) == (100038, "12,50", "AMOUNT")
    assert (refusal.file, refusal.line, refusal.row) == ("@TMP/part-0.parquet", 25930, 25931)
    assert error.exit_code == 1


DATA = [
    (100035, "22007", "Timestamp '20107-05-10' is not recognized", "20107-05-10"),
    (100040, "22007", "Date '2026-02-30' is not recognized", "2026-02-30"),
    (100078, "22000", "String 'abcdef' is too long and would be truncated", "abcdef"),
    (100072, "22000", "NULL result in a non-nullable column", ""),
    (100039, "22003", "Numeric value is out of representable range", ""),
    (100069, "22P02", "Error parsing JSON: unknown keyword", ""),
    (100090, "42P18", "Duplicate row detected during DML action", ""),
    (None, "22012", "Division by zero", ""),
]


@pytest.mark.parametrize(("code", "sqlstate", "text", "value"), DATA)
def test_other_faults_of_data_are_the_batchs_own_too(code, sqlstate, text, value) -> None:
    error = translate(fault(text, code, sqlstate), PLACE)
    assert isinstance(error, BatchRefused)
    assert error.refusal.value == value


WORDS = "timed out: certificate, timeout, 404 not found, JWT token is invalid, no space left, ' is suspended"


def test_names_and_values_that_a_text_repeats_are_not_taken_for_its_meaning() -> None:
    assert type(translate(fault(f"Numeric value '{WORDS}' is not recognized", 100038, "22018"), PLACE)) is BatchRefused
    assert (
        type(translate(fault(f"Object '{WORDS}' does not exist or not authorized.", 2003, "42S02"), PLACE)) is Missing
    )
    assert type(translate(fault(f"invalid identifier '{WORDS}'", 904, "42000"), PLACE)) is BadAnswer


UNREACHED = [
    (login("Verify the account name is correct", 250001), "organization-account"),
    (fault("Failed to login: Snowflake responded with error status: 404 Not Found", 250001), "Check account"),
    (fault("404 Not Found: post acme.snowflakecomputing.com/session/v1/login-request", 290404), "Check account"),
    (fault("Hit non-retryable SSL error, certificate verify failed", 250003, kind=OperationalError), "certificate"),
]


@pytest.mark.parametrize(("raised", "words"), UNREACHED)
def test_a_wrong_account_and_a_bad_certificate_are_unreachable(raised, words) -> None:
    error = translate(raised, PLACE, connecting=True)
    assert type(error) is Unreachable
    assert words in str(error)


def test_a_refusal_nobody_knows_yet_is_a_refusal_and_not_tried_for_ever() -> None:
    error = translate(fault("Failed to login: something new", 390499), PLACE, connecting=True)
    assert type(error) is AuthError
    assert "[390499]" in str(error)


@pytest.mark.parametrize("text", ["could not reach the door", "Login error"])
def test_what_has_no_number_while_signing_in_is_tried_again(text) -> None:
    assert type(translate(fault(text), PLACE, connecting=True)) is ConnectionLost


def test_an_error_tells_no_secret_and_is_one_line_of_bounded_length() -> None:
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Guard(before, Redactor(["s3cret-passphrase"])))
    try:
        error = translate(fault("password=hunter22\n s3cret-passphrase " + "x" * 5000, 4711), PLACE)
    finally:
        logging.setLogRecordFactory(before)
    assert "hunter22" not in str(error)
    assert "s3cret" not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 800


def test_the_number_in_front_of_the_text_is_taken_when_the_connector_gives_none() -> None:
    error = translate(fault("390144 (08001): JWT token is invalid."), PLACE, connecting=True)
    assert type(error) is AuthError
    assert "[390144]" in str(error)


def test_every_error_is_of_our_tree() -> None:
    assert isinstance(translate(fault(None), PLACE), ConnectorError)

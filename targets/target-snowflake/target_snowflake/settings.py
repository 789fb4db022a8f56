"""The settings of the connection to Snowflake: which account, who signs in how, and how long to wait."""

from __future__ import annotations

from singer_sdk import typing as th

from target_snowflake.auth import Method
from target_snowflake.query_tag import DEFAULT_TAG

CONNECTION_SETTINGS = th.PropertiesList(
    th.Property(
        "account",
        th.StringType,
        description="The account, as `organization-account`: `acme-finance` of `acme-finance.snowflakecomputing.com`.",
    ),
    th.Property("user", th.StringType, description="The user who loads. `key_pair` and `password` need it."),
    th.Property(
        "auth_method",
        th.StringType,
        allowed_values=[method.value for method in Method],
        description="How to sign in. Default: by what is set, so a `private_key` means `key_pair`, a `token` "
        "`programmatic_access_token`.",
    ),
    th.Property(
        "private_key",
        th.StringType,
        secret=True,
        description="The user's private key, RSA or EC: the text of a PEM file, or DER as base64.",
    ),
    th.Property("private_key_path", th.StringType, description="The file of the private key, PEM or DER."),
    th.Property(
        "private_key_passphrase", th.StringType, secret=True, description="What the private key is encrypted with."
    ),
    th.Property(
        "token",
        th.StringType,
        secret=True,
        description="A programmatic access token; with `auth_method` `oauth_token` an OAuth access token, with "
        "`workload_identity` an OIDC token.",
    ),
    th.Property("token_path", th.StringType, description="The file of the token, read anew at every sign-in."),
    th.Property(
        "password",
        th.StringType,
        secret=True,
        description="The user's password. Snowflake ends passwords without a second factor: prefer a key pair.",
    ),
    th.Property("oauth_client_id", th.StringType, description="OAuth client id."),
    th.Property("oauth_client_secret", th.StringType, secret=True, description="OAuth client secret."),
    th.Property(
        "oauth_token_request_url", th.StringType, description="Where the identity provider gives out access tokens."
    ),
    th.Property("oauth_scope", th.StringType, description="OAuth scope. Default: `session:role:` and the `role`."),
    th.Property(
        "workload_identity_provider",
        th.StringType,
        allowed_values=["AWS", "AZURE", "GCP", "OIDC"],
        description="The cloud this process runs in, whose identity signs in.",
    ),
    th.Property(
        "connection_name",
        th.StringType,
        description="A connection of Snowflake's `connections.toml`. Settings given here win over it.",
    ),
    th.Property(
        "host",
        th.StringType,
        description="The host, when it is not the account's own: PrivateLink, or a fake Snowflake.",
    ),
    th.Property("port", th.IntegerType(minimum=1, maximum=65535), description="The port, when it is not 443."),
    th.Property(
        "protocol",
        th.StringType,
        default="https",
        allowed_values=["https", "http"],
        description="`http` is for a fake Snowflake on this machine only.",
    ),
    th.Property(
        "database",
        th.StringType,
        description="The database to load into; it must exist. A name is upper case unless it stands in double quotes.",
    ),
    th.Property(
        "schema",
        th.StringType,
        description="The schema to load into. A name is upper case unless it stands in double quotes.",
    ),
    th.Property("warehouse", th.StringType, description="The warehouse that loads. Default: the user's own."),
    th.Property("role", th.StringType, description="The role that loads. Default: the user's own."),
    th.Property(
        "query_tag",
        th.StringType,
        default=DEFAULT_TAG,
        description="What every statement is tagged with in Snowflake's query history. May hold `{pipeline}`, `{run}`, "
        "`{stream}`, `{table}`, `{database}` and `{schema}`.",
    ),
    th.Property("login_timeout", th.IntegerType(minimum=1), default=60, description="Seconds to wait until signed in."),
    th.Property(
        "network_timeout",
        th.IntegerType(minimum=1),
        default=600,
        description="Seconds one statement may take, through network faults, too. After that the connection counts as "
        "lost, and the batch is done again.",
    ),
)

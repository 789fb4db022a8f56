"""The platform's own tables: dictionary, users, OAuth, import sets, currency instances."""

from __future__ import annotations

from ml_connector_simulators.servicenow.schema import Table, columns

PLATFORM = (
    Table(
        "sys_db_object",
        "Tables",
        columns("""
            Name | 80 display
            Label | 80
            Extends table | ->sys_db_object | super_class
            Application | 80 | sys_scope
        """),
    ),
    Table(
        "sys_dictionary",
        "Dictionary entries",
        columns("""
            Table | 80 | name
            Column name | 80 display | element
            Column label | 80 | column_label
            Type | 40 | internal_type
            Max length | integer
            Mandatory | boolean
            Reference | 80
            Read only | boolean
            Active | boolean
            Display | boolean
            Default value | 255
            Audit | boolean
            Attributes | 1000
        """),
    ),
    # Columns as peers use them, UNCONFIRMED (apis/servicenow.md §2.8).
    Table(
        "sys_audit_delete",
        "Audit deleted records",
        columns("""
            Table name | 80 | tablename
            Deleted record | 32 | documentkey
            Display value | 255 display
        """),
    ),
    Table(
        "sys_journal_field",
        "Journal entries",
        columns("""
            Table | 80 | name
            Element | 80
            Element ID | 32
            Value | 4000
        """),
        updatable=False,
    ),
    Table(
        "sys_choice",
        "Choices",
        columns("""
            Table | 80 | name
            Element | 80
            Value | 255
            Label | 255 display
        """),
    ),
    Table("sys_properties", "System properties", columns("Name | 100 display\nValue | 4000")),
    Table(
        "sys_user",
        "Users",
        columns("""
            User ID | 40 | user_name
            Name | 151 display
            Email | 100
            Password | password | user_password
            Active | boolean =true
            Locked out | boolean =false
            Password needs reset | boolean =false
            Web service access only | boolean =true | web_service_access_only
            Time zone | 40
            Preferred currency | 3
        """),
    ),
    Table("sys_user_role", "Roles", columns("Name | 100 display")),
    Table(
        "sys_user_has_role",
        "User roles",
        columns("""
            User | ->sys_user
            Role | ->sys_user_role
        """),
    ),
    Table(
        "oauth_entity",
        "OAuth clients",
        columns("""
            Name | 100 display
            Client ID | 100
            Client secret | password
            OAuth application user | ->sys_user | user
            Public client | boolean =false
            User field | 80 =user_name
            Clock skew | integer =300
            JTI verification | boolean =true
        """),
    ),
    # Which key signs the assertions of which client; column names UNCONFIRMED (apis/servicenow.md §1).
    Table(
        "jwt_verifier_map",
        "JWT verifier maps",
        columns("""
            KID | 100 display | kid
            Client | ->oauth_entity
            Public key | 8000
        """),
    ),
    Table(
        "api_key",
        "REST API keys",
        columns("""
            Key | password
            User | ->sys_user
        """),
    ),
    # The columns of the currency instance: apis/servicenow.md §2.6 (KB0751553).
    Table(
        "fx_currency2_instance",
        "FX currency values",
        columns("""
            Table | 80
            Field | 80
            Document | 32 | id
            Amount | decimal
            Currency | 3
            Reference amount | decimal
            Reference currency | 3
        """),
    ),
    Table("fx_rate", "Currency rates", columns("Currency | 3\nRate | decimal")),
)

IMPORTS = (
    Table(
        "sys_import_set",
        "Import sets",
        columns("""
            Number | 40 display
            Table | 80 | table_name
            State | 40
            Mode | 40
            Load completed | glide_date_time
            Load run time | 40
            Multi import set | ->sys_multi_import_set
            Run after | ->sys_import_set
        """),
        number_prefix="ISET",
    ),
    Table(
        "sys_multi_import_set", "Multi import sets", columns("Number | 40 display\nState | 40"), number_prefix="MISET"
    ),
    Table(
        "sys_import_set_run",
        "Transform histories",
        columns("""
            Number | 40 display
            Set | ->sys_import_set
            Transform map | ->sys_transform_map | sys_transform_map
            State | 40
            Completed | glide_date_time
            Total | integer =0
            Inserts | integer =0
            Updates | integer =0
            Ignored | integer =0
            Skipped | integer =0
            Errors | integer =0
        """),
        number_prefix="RUN",
    ),
    Table(
        "sys_import_set_row",
        "Import set rows",
        columns("""
            Set | ->sys_import_set | sys_import_set
            Row | integer | sys_import_row
            State | pending/inserted/updated/ignored/skipped/error =pending | sys_import_state
            Comment | 4000 | sys_import_state_comment
            Error | ->sys_import_set_row_error | sys_row_error
            Target table | 80 | sys_target_table
            Target record | document_id 32 | sys_target_sys_id
            Transform map | ->sys_transform_map | sys_transform_map
            Import set run | ->sys_import_set_run | import_set_run
        """),
        abstract=True,
    ),
    # Column names UNCONFIRMED (apis/servicenow.md §9).
    Table(
        "sys_import_set_row_error",
        "Import set row errors",
        columns("""
            Import set row | document_id 32 | row
            Import set run | ->sys_import_set_run | run
            Error code | integer | error_code
            Error message | 4000 display | error_message
            Field | 80 | field
        """),
    ),
    # Column names UNCONFIRMED (apis/servicenow.md §9).
    Table(
        "sys_rest_insert_multiple",
        "REST insert multiples",
        columns("""
            Source table | 80 display
            Transformation | asynchronous/synchronous =asynchronous
            Column mapping | label/column_name =label
            Use data source format | boolean =false
        """),
    ),
    Table(
        "sys_transform_map",
        "Table transform maps",
        columns("""
            Name | 80 display
            Source table | 80
            Target table | 80
            Active | boolean =true
            Order | integer =100
            Copy empty fields | boolean =false
            Create new record on empty coalesce fields | boolean =false | create_new_record_on_empty_coalesce
        """),
    ),
    Table(
        "sys_transform_entry",
        "Field maps",
        columns("""
            Map | ->sys_transform_map
            Source field | 80 display
            Target field | 80
            Coalesce | boolean =false
            Choice action | ignore/create/reject =create
            Date format | 40 =yyyy-MM-dd
            Referenced value field name | 80 | reference_value_field
            Currency field | 80
        """),
    ),
)

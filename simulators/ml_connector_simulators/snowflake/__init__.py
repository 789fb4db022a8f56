"""A fake Snowflake: fakesnow's engine behind Snowflake's own HTTP protocol, for the real connector.

In a test `running_snowflake()` serves one in a process of its own. `ml_connector_simulators.snowflake.simulator` is the
server itself; it needs the extra `snowflake`, this module does not.
"""

from ml_connector_simulators.snowflake.process import SnowflakeServer, running_snowflake

__all__ = ["SnowflakeServer", "running_snowflake"]

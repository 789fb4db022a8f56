"""Every benchmark, one after the other: `make bench`. Ratios within one run; seconds differ from machine to machine."""

from bench import tap_visma, target_servicenow, target_snowflake

print(
    "tap-visma: records per second beside a raw requests+msgspec loop and a stock SDK stream; peak memory\n", flush=True
)
tap_visma.main()
print("\ntarget-servicenow-importset: calls and records per second by mode, 50 ms per call\n", flush=True)
target_servicenow.main()
print("\ntarget-snowflake: beside MeltanoLabs/target-snowflake and a raw loop, on one fake Snowflake\n", flush=True)
target_snowflake.main()

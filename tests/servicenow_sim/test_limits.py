"""Rate-limit rules."""

from ml_connector_simulators.servicenow import Installation, RateLimit


def test_an_hourly_rule_counts_down_and_refuses(start):
    api = start(Installation(rate_limits=[RateLimit(2, "Table API")]))
    first = api.reply("cmn_cost_center")
    assert first.headers["X-RateLimit-Limit"] == "2"
    assert len(first.headers["X-RateLimit-Rule"]) == 32
    reset = int(first.headers["X-RateLimit-Reset"])
    assert reset % 3600 == 0
    assert reset > api.sim.clock.now().timestamp()
    api.reply("cmn_cost_center")
    refused = api.reply("cmn_cost_center")
    assert (refused.status_code, refused.json()) == (
        429,
        {
            "error": {
                "message": "Rate limit exceeded",
                "detail": "Rate limit of 2 requests per hour for Table API exceeded",
            },
            "status": "failure",
        },
    )
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    api.sim.clock.advance(int(refused.headers["Retry-After"]))
    assert api.reply("cmn_cost_center").status_code == 200


def test_a_rule_can_name_one_staging_table(start):
    limited, free = "sn_fcms_intg_imp_cost_center", "sn_fcms_intg_imp_supplier"
    api = start(Installation(rate_limits=[RateLimit(1, "Import Set API", limited)]))
    assert [api.post(limited, {}).status_code for _ in range(2)] == [201, 429]
    assert "X-RateLimit-Limit" not in api.post(free, {}).headers


def test_batch_items_count_as_calls(start):
    api = start(Installation(rate_limits=[RateLimit(1, "Table API")]))
    items = api.batch(*[("GET", "/api/now/table/cmn_cost_center", None)] * 2)["serviced_requests"]
    assert [item["status_code"] for item in items] == [200, 429]

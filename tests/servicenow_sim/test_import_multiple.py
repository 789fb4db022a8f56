"""insertMultiple: labels or names, now or later, and how the outcome is read."""

from ml_connector_simulators.servicenow import InsertMultiple, Installation

CENTER = "sn_fcms_intg_imp_cost_center"
NO = "visma:NO01"


def labelled(*codes):
    return [{"ERP source": NO, "Code": code, "Name": f"Center {code}"} for code in codes]


def state(api, import_set):
    return api.call("GET", f"/api/now/table/sys_import_set/{import_set}").json()["result"]["state"]


def outcomes(api, import_set):
    fields = "sys_import_row,code,sys_import_state,sys_target_sys_id"
    return api.list(CENTER, f"sys_import_set={import_set}^ORDERBYsys_import_row", fields=fields)


def test_keys_are_labels_and_the_transform_comes_later(api):
    import_set = api.load_many(CENTER, labelled("110", "120"))
    assert [row["sys_import_state"] for row in outcomes(api, import_set)] == ["pending", "pending"]
    assert api.sim.table("cmn_cost_center") == []
    assert [state(api, import_set) for _ in range(4)] == ["loading", "loaded", "processed", "processed"]
    rows = outcomes(api, import_set)
    assert [(row["sys_import_row"], row["code"], row["sys_import_state"]) for row in rows] == [
        ("0", "110", "inserted"),
        ("1", "120", "inserted"),
    ]
    targets = {row["sys_id"] for row in api.sim.table("cmn_cost_center")}
    assert {row["sys_target_sys_id"] for row in rows} == targets


def test_column_names_store_blank_rows_on_a_table_without_a_record(api):
    import_set = api.load_many(CENTER, [{"erp_source": NO, "code": "110"}])
    api.sim.process_imports()
    (row,) = outcomes(api, import_set)
    assert (row["code"], row["sys_import_state"]) == ("", "skipped")


def test_a_record_says_column_names(start):
    api = start(Installation(insert_multiple={CENTER: InsertMultiple(keys="column_name")}))
    import_set = api.load_many(CENTER, [{"erp_source": NO, "code": "110"}])
    assert outcomes(api, import_set)[0]["sys_import_state"] == "pending"
    api.sim.process_imports()
    assert outcomes(api, import_set)[0]["sys_import_state"] == "inserted"


def test_a_record_says_synchronous(start):
    api = start(Installation(insert_multiple={CENTER: InsertMultiple(keys="label", synchronous=True)}))
    import_set = api.load_many(CENTER, labelled("110", "120"))
    assert {row["sys_import_state"] for row in outcomes(api, import_set)} == {"inserted"}
    assert state(api, import_set) == "processed"


def test_the_run_counts_every_state(api):
    api.load(CENTER, erp_source=NO, code="110", name="Center 110")
    api.load(CENTER, erp_source=NO, code="120", name="old")
    records = [*labelled("110", "120", "130"), {"Name": "no key"}, {"ERP source": "visma:XX99", "Code": "1"}]
    import_set = api.load_many(CENTER, records)
    assert api.list("sys_import_set_run", f"set={import_set}") == []
    api.sim.process_imports()
    (run,) = api.list("sys_import_set_run", f"set={import_set}")
    counts = {name: run[name] for name in ("total", "inserts", "updates", "ignored", "skipped", "errors")}
    assert counts == {"total": "5", "inserts": "1", "updates": "1", "ignored": "1", "skipped": "1", "errors": "1"}
    assert (run["state"], bool(run["completed"])) == ("complete_with_errors", True)


def test_the_clock_moves_a_set_on(start):
    api = start(Installation(imports="clock", import_seconds=60))
    import_set = api.load_many(CENTER, labelled("110"))
    assert state(api, import_set) == "loading"
    api.sim.clock.advance(61)
    assert state(api, import_set) == "processed"
    assert len(api.sim.table("cmn_cost_center")) == 1


def test_a_set_waits_for_the_one_it_runs_after(api):
    first = api.load_many(CENTER, labelled("110"))
    (row,) = api.sim.table("sys_import_set", sys_id=first)
    api.sim.instance.store.update("sys_import_set", first, {"mode": "held"})
    second = api.load_many(CENTER, labelled("120"), run_after=first)
    assert [state(api, second) for _ in range(4)] == ["loading", "loaded", "loaded", "loaded"]
    api.sim.instance.store.update("sys_import_set", first, {"mode": row["mode"]})
    api.sim.process_imports()
    assert (state(api, first), state(api, second)) == ("processed", "processed")


def test_posts_can_share_a_multi_import_set(api):
    path = f"/api/now/import/{CENTER}/insertMultiple"
    first = api.call("POST", path, json={"records": labelled("110")}).json()
    second = api.call(
        "POST", path, params={"multi_import_set_id": first["multi_import_set_id"]}, json={"records": labelled("120")}
    ).json()
    assert second.keys() == {"import_set_id", "multi_import_set_id"}
    assert second["multi_import_set_id"] == first["multi_import_set_id"]
    assert second["import_set_id"] != first["import_set_id"]


def test_a_row_that_is_too_large_is_missing_afterwards(api):
    table = "sn_fcms_intg_imp_supplier"
    huge = {"ERP source": NO, "Supplier number": "1", "Long description": "x" * 4000, "Logo URL": "y" * 1024}
    huge |= {
        "URL": "z" * 1024,
        "Short description": "å" * 160,
        "Street address": "å" * 255,
        "Legal entities": "å" * 255,
    }
    huge |= {"Purchasing entities": "å" * 255, "Legal name": "å" * 100, "City": "å" * 100, "Country": "å" * 100}
    small = {"ERP source": NO, "Supplier number": "2"}
    import_set = api.load_many(table, [huge, small])
    rows = api.list(table, f"sys_import_set={import_set}", fields="supplier_number,sys_import_row")
    assert rows == [{"supplier_number": "2", "sys_import_row": "1"}]


def test_no_active_map_processes_the_set_without_a_run(start):
    api = start(Installation(inactive_maps=frozenset({CENTER})))
    import_set = api.load_many(CENTER, labelled("110"))
    api.sim.process_imports()
    assert state(api, import_set) == "processed"
    assert api.list("sys_import_set_run") == []
    assert outcomes(api, import_set)[0]["sys_import_state"] == "pending"


def test_a_body_without_records_is_refused(api):
    path = f"/api/now/import/{CENTER}/insertMultiple"
    for body in ([], {}, {"records": [1]}):
        assert api.call("POST", path, json=body).status_code == 400
    assert api.sim.table("sys_import_set") == []


def test_manual_sets_wait_for_the_test(start):
    api = start(Installation(imports="manual"))
    import_set = api.load_many(CENTER, labelled("110"))
    assert {state(api, import_set) for _ in range(5)} == {"loading"}
    api.sim.process_imports()
    assert state(api, import_set) == "processed"

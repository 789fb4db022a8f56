"""OAuth, Basic, API key; one refusal for every cause."""

import requests

CLIENT = {"client_id": "demo-sn-client", "client_secret": "demo-sn-secret"}
DENIED = {"error_description": "access_denied", "error": "server_error"}
UNAUTHENTICATED = {
    "error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"},
    "status": "failure",
}


def token(api, **form):
    return requests.post(f"{api.sim.url}/oauth_token.do", data={**CLIENT, **form}, timeout=10)


def read(api, **headers):
    return requests.get(f"{api.sim.url}/api/now/table/sys_properties", headers=headers, timeout=10)


def test_client_credentials_give_an_access_token_and_no_refresh_token(api):
    answer = token(api, grant_type="client_credentials").json()
    assert answer.keys() == {"access_token", "scope", "token_type", "expires_in"}
    assert (answer["scope"], answer["token_type"], answer["expires_in"]) == ("useraccount", "Bearer", 1800)
    assert read(api, Authorization=f"Bearer {answer['access_token']}").status_code == 200


def test_an_expired_token_is_not_authenticated(api):
    held = token(api, grant_type="client_credentials").json()["access_token"]
    api.sim.clock.advance(1801)
    reply = read(api, Authorization=f"Bearer {held}")
    assert (reply.status_code, reply.json()) == (401, UNAUTHENTICATED)


def test_the_password_grant_gives_the_same_token_until_it_expires(api):
    form = {"grant_type": "password", "username": "integration.user", "password": "demo-sn-password"}
    first = token(api, **form).json()
    api.sim.clock.advance(1700)
    second = token(api, **form).json()
    assert second["access_token"] == first["access_token"]
    assert second["expires_in"] <= 100
    api.sim.clock.advance(200)
    third = token(api, **form).json()
    assert third["access_token"] != first["access_token"]
    assert third["expires_in"] > 1700


def test_a_refresh_token_gives_an_access_token_only(api):
    form = {"grant_type": "password", "username": "integration.user", "password": "demo-sn-password"}
    refresh = token(api, **form).json()["refresh_token"]
    answer = token(api, grant_type="refresh_token", refresh_token=refresh).json()
    assert "refresh_token" not in answer
    assert read(api, Authorization=f"Bearer {answer['access_token']}").status_code == 200


def test_every_cause_of_a_refused_token_looks_the_same(api):
    def refused():
        reply = token(api, grant_type="client_credentials")
        return reply.status_code, reply.json()

    assert token(api, grant_type="client_credentials", client_secret="wrong").json() == DENIED
    api.sim.set_property("glide.oauth.inbound.client.credential.grant_type.enabled", "false")
    assert refused() == (401, DENIED)
    api.sim.set_property("glide.oauth.inbound.client.credential.grant_type.enabled", "true")
    assert refused()[0] == 200
    user = api.sim.table("sys_user", user_name="integration.user")[0]["sys_id"]
    api.sim.update("sys_user", user, password_needs_reset="true")
    assert refused() == (401, DENIED)
    api.sim.update("sys_user", user, password_needs_reset="false")
    client = api.sim.table("oauth_entity")[0]["sys_id"]
    api.sim.update("oauth_entity", client, user="")
    assert refused() == (401, DENIED)


def test_parameters_count_in_the_form_body_only(api):
    form = {**CLIENT, "grant_type": "client_credentials"}
    url = f"{api.sim.url}/oauth_token.do"
    assert requests.post(url, params=form, timeout=10).json() == DENIED
    assert requests.post(url, json=form, timeout=10).json() == DENIED


def test_basic_and_api_key(api):
    assert read(api, **{"x-sn-apikey": "demo-sn-api-key"}).status_code == 200
    assert read(api, **{"x-sn-apikey": "other"}).status_code == 401
    url = f"{api.sim.url}/api/now/table/sys_properties"
    assert requests.get(url, auth=("integration.user", "demo-sn-password"), timeout=10).status_code == 200
    reply = requests.get(url, auth=("integration.user", "wrong"), timeout=10)
    assert (reply.status_code, reply.json()) == (401, UNAUTHENTICATED)
    assert requests.get(url, timeout=10).status_code == 401


def test_a_locked_out_user_is_not_let_in(api):
    user = api.sim.table("sys_user", user_name="integration.user")[0]["sys_id"]
    api.sim.update("sys_user", user, locked_out="true")
    assert api.reply("sys_properties").status_code == 401


def test_the_log_names_the_caller_and_counts_no_token_request_as_a_write(api):
    token(api, grant_type="client_credentials")
    api.list("sys_properties")
    assert [(it.path, it.caller) for it in api.sim.log.requests(method="GET")] == [
        ("/api/now/table/sys_properties", "integration.user")
    ]
    assert api.sim.log.writes() == []


def test_a_token_expiry_fault_reaches_this_simulators_tokens(api):
    held = token(api, grant_type="client_credentials").json()["access_token"]
    api.sim.tokens.expire_all()
    assert read(api, Authorization=f"Bearer {held}").status_code == 401


def test_a_refresh_token_of_a_persons_own_sign_in(api):
    refresh = requests.post(f"{api.sim.url}/_sim/edit", json={"edit": "refresh_token"}, timeout=10).json()
    answer = token(api, grant_type="refresh_token", refresh_token=refresh).json()
    assert read(api, Authorization=f"Bearer {answer['access_token']}").status_code == 200
    assert token(api, grant_type="refresh_token", refresh_token="other").json() == DENIED
    api.sim.clock.advance(8_640_001)
    assert token(api, grant_type="refresh_token", refresh_token=refresh).json() == DENIED

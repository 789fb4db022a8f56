"""Every answer validates against Visma's own OpenAPI file, where that is at hand (`SPECS_DIR`)."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
from ml_connector_simulators.visma.resources import RESOURCES

SPEC = "visma/vismanet-erp-openapi-v1-2025-04-24.json.gz"
SPECS_DIR = os.environ.get("SPECS_DIR")
pytestmark = pytest.mark.skipif(not SPECS_DIR, reason="SPECS_DIR is not set: the vendor's OpenAPI file is not at hand")

EVERYTHING = {
    "/v1/supplier": {"expandAccountInformation": "true", "expandNote": "true"},
    "/v1/supplierInvoice": {"expandAttachment": "true", "expandApproval": "true", "expandNote": "true"},
    "/v1/supplierPayment": {},
    "/v1/customer": {"expandPaymentMethods": "true"},
    "/v1/customerinvoice": {"expandTaxDetails": "true", "expandInvoiceAddress": "true", "expandAttachments": "true"},
    "/v1/customerCreditNote": {"expandTaxDetails": "true", "expandInvoiceAddress": "true"},
    "/v1/customerDebitNote": {"expandTaxDetails": "true"},
    "/v1/customerdocument": {},
    "/v1/customerPayment": {},
    "/v1/supplierdocument": {"expandNote": "true"},
    "/v1/GeneralLedgerTransactions": {"ledger": "1"},
    "/v2/generalLedgerBalance": {"periodId": "202610"},
    "/v1/budget": {"branch": "10", "ledger": "BUDGET", "financialYear": "2026"},
    "/v1/vatCategory": {},
    "/v1/department": {},
    "/v1/project": {"expandAttribute": "true"},
    "/v1/inventory": {},
    "/v1/purchaseorder": {},
    "/v2/PurchaseReceipt": {"expandNote": "true"},
    "/v1/account": {"includeAccountClassDescription": "true"},
    "/v1/dimension": {},
    "/v1/dimension/{dimensionId}": {},
    "/v1/dimension/{dimensionId}/{segmentId}": {},
    "/v1/dimension/{dimensionId}/{segmentId}/{valueId}": {},
    "/v1/subaccount": {},
    "/v2/journaltransaction": {"periodId": "202610", "expandAttachments": "true"},
    "/v1/vat": {},
    "/v1/vatZone": {},
    "/v1/currency": {},
    "/v1/branch": dict.fromkeys(RESOURCES["branch"].expands, "true"),
    "/v1/paymentmethod": {},
    "/v1/creditTerm": {},
    "/v1/ledger": {},
    "/v1/financialPeriod": {},
    "/v1/supplier/{supplierCd}": {},
    "/v1/supplierInvoice/{documentType}/{invoiceNumber}": {},
    "/v1/supplierInvoice/{invoiceNumber}": {},
    "/v1/supplierPayment/{paymentNumber}": {},
    "/v1/customerinvoice/{invoiceNumber}": {},
    "/v1/purchaseorder/{purchaseOrderNumber}": {},
    "/v2/PurchaseReceipt/{receiptNumber}": {},
    "/v2/journaltransaction/{journalTransactionNumber}": {},
}
# Paging, what is deprecated, and a header; then what the journal reads by itself and what does not work at Visma's.
EVERYWHERE = {"pageNumber", "pageSize", "numberToRead", "skipRecords", "erp-api-background"}
BESIDES = {
    "journaltransaction": {"lastModifiedDateTime", "periodId", "module", "status", "branch"},
    "customer": {"greaterThanValue"},
}
KEYS = {
    "dimensionId": "SUBACCOUNT",
    "segmentId": "1",
    "valueId": "110",
    "supplierCd": "50001",
    "documentType": "DebitAdj",
    "paymentNumber": "300001",
    "purchaseOrderNumber": "500001",
    "receiptNumber": "000001",
    "journalTransactionNumber": "000001",
}


@pytest.fixture(scope="module")
def spec():
    return json.loads(gzip.decompress((Path(SPECS_DIR) / SPEC).read_bytes()))


@pytest.fixture(scope="module")
def validator(spec):
    formats = jsonschema.FormatChecker(formats=[])
    # Visma's date-times have no zone (apis/visma.md §3.2), which RFC 3339 would want.
    formats.checks("date-time")(
        lambda value: re.fullmatch(r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}(\.\d{1,3})?", value) is not None
    )
    formats.checks("uuid")(lambda value: re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None)
    formats.checks("int32")(lambda value: isinstance(value, int) and -(2**31) <= value < 2**31)
    schema = {"components": spec["components"]}
    return lambda part: jsonschema.Draft202012Validator(closed(schema | part), format_checker=formats)


def closed(schema):
    """The schema with unknown fields forbidden: a misspelt field would pass an open one."""
    if isinstance(schema, dict):
        schema = {name: closed(value) for name, value in schema.items()}
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        return schema
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("path", EVERYTHING)
@pytest.mark.parametrize("company", ["no01", "se01"])
def test_answers_are_what_the_vendor_declares(request, spec, validator, path, company):
    client = request.getfixturevalue(company)
    number = "100012" if "documentType" in path else "100001" if "supplier" in path else "200001"
    keys = {"invoiceNumber": number, **KEYS}
    answer = client.get(path.format(**keys), pageSize=1000, **EVERYTHING[path])
    assert answer.status_code == 200
    schema = spec["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    errors = list(validator(schema).iter_errors(answer.json()))
    assert not errors, [(list(error.path), error.message[:200]) for error in errors[:5]]
    assert len(answer.content) > 20


def test_a_wrong_answer_would_be_noticed(no01, spec, validator):
    schema = spec["paths"]["/v1/supplier"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    row = no01.rows("/v1/supplier")[0]
    for change in (
        {"status": "Sleeping"},
        {"internalId": "1001"},
        {"nmae": "x"},
        {"lastModifiedDateTime": "2026-10-01Z"},
    ):
        row_as_json = json.loads(json.dumps(row | change, default=float))
        assert list(validator(schema).iter_errors([row_as_json])), change


@pytest.mark.parametrize("resource", sorted(RESOURCES))
def test_every_filter_and_expand_is_the_vendors(spec, resource):
    """No parameter of our own: a tap that uses one would filter nothing at the real API."""
    declared = RESOURCES[resource]
    known = {parameter["name"] for parameter in spec["paths"][declared.path]["get"]["parameters"]}
    ours = {known_filter.name for known_filter in declared.filters} | set(declared.expands)
    ours |= {
        f"{known_filter.name}Condition"
        for known_filter in declared.filters
        if known_filter.ordered and not known_filter.alone
    }
    ours |= set(declared.not_simulated) | ({"greaterThanValue"} if declared.after else set())
    assert ours <= known
    ours |= BESIDES.get(resource, set())
    missing = {name for name in known - ours if not name.startswith(("expand", "include"))} - EVERYWHERE
    assert not missing, "a filter of the vendor's that is silently ignored looks like one that works"
    assert (declared.maximum is not None) == ("pageNumber" in known)


def test_enums_of_filters_are_the_vendors(spec):
    for resource in RESOURCES.values():
        parameters = {p["name"]: p for p in spec["paths"][resource.path]["get"]["parameters"]}
        for known in resource.filters:
            if known.allowed:
                schema = parameters[known.name]["schema"]
                name = (schema.get("$ref") or schema.get("allOf", [{}])[0].get("$ref", "")).rpartition("/")[2]
                vendors = schema.get("enum") or spec["components"]["schemas"][name]["enum"]
                assert set(known.allowed) == set(vendors), (resource.path, known.name)

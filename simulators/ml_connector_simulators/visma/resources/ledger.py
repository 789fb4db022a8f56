"""The general ledger (apis/visma.md §3.3, OpenAPI of April 2025)."""

from __future__ import annotations

from ml_connector_simulators.visma.resource import Filter, Resource, Single
from ml_connector_simulators.visma.resources.common import MODIFIED, MODIFIED_ALONE, PAGE

LEDGER = (
    Resource(
        path="/v1/account",
        keys=("accountCD",),
        singles=(Single("/{number}", "{number}"),),
        filters=(MODIFIED, Filter("active", "active"), Filter("publicCode", "publicCode1")),
        expands={"includeAccountClassDescription": "accountClassDescription"},
        after=("accountCD",),
        not_simulated=("analysisCode", "externalCode1", "externalCode2"),
    ),
    Resource(
        path="/v1/dimension",
        keys=("id",),
        metadata=False,
        modified=None,
    ),
    Resource(
        path="/v1/subaccount",
        keys=("subaccountNumber",),
        singles=(Single("/{number}", "{number}"),),
        filters=(MODIFIED, Filter("active", "active")),
        maximum=PAGE,
    ),
    Resource(
        path="/v2/journaltransaction",
        keys=("module", "batchNumber"),
        maximum=PAGE,
        not_simulated=("releasedBatch",),
    ),
    Resource(
        path="/v1/ledger",
        keys=("number",),
        filters=(MODIFIED,),
        metadata=False,
        after=("number",),
    ),
    Resource(
        path="/v1/financialPeriod",
        keys=("year", "period"),
        metadata=False,
        modified=None,
        after=("year", "period"),
    ),
    Resource(
        path="/v1/GeneralLedgerTransactions",
        keys=("module", "batchNumber", "lineNumber"),
        filters=(
            MODIFIED,
            Filter("ledger", "ledger.id"),
            Filter("branch", "branch.number"),
            Filter("account", "account.number"),
            Filter("subaccountId", "subaccount"),
        ),
        required=("ledger",),
        maximum=PAGE,
        not_simulated=(
            *("fromPeriod", "toPeriod", "fromDate", "toDate", "includeUnposted", "includeUnreleased"),
            *("expandAccountInfo", "expandBranchInfo", "includeTransactionBalance"),
        ),
    ),
    Resource(
        path="/v2/generalLedgerBalance",
        keys=("branch", "ledger", "financialPeriod", "account", "subaccountId"),
        filters=(
            MODIFIED_ALONE,
            Filter("periodId", "financialPeriod"),
            Filter("account", "account.number"),
            Filter("ledger", "ledger.id"),
            Filter("branch", "branch.number"),
            Filter("balanceType", "balanceType", allowed=("Actual", "Report", "Statistical", "Budget")),
        ),
        required=("periodId", "lastModifiedDateTime"),  # either will do
        maximum=PAGE,
        not_simulated=("toggleBalanceSigns", "excludeYTDAccount"),
    ),
    Resource(
        path="/v1/budget",
        keys=("_branch", "_ledger", "financialYear", "_account", "_subaccount"),
        filters=(
            MODIFIED,
            Filter("branch", "_branch"),
            Filter("ledger", "_ledger"),  # no field of the row tells it
            Filter("financialYear", "financialYear"),
            Filter("isReleased", "released"),
            Filter("subaccount", "_subaccount"),
        ),
        required=("branch", "ledger", "financialYear"),
        metadata=False,
        not_simulated=("greaterThanValue", "orderBy"),
    ),
)

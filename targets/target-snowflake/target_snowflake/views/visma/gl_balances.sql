-- What did each account open with, move by and close with in each period?
--
-- Grain      one row per company, ledger, account and period; branches, subaccounts and account currencies are added up.
-- Currency   CURRENCY is the ledger's own: add up within one CURRENCY only.
-- Sign       debit counts plus, credit minus, in every account: all accounts of a company and ledger close at nothing.
--            Visma can state liabilities and income with the sign turned; the view sees that from how the balances of
--            a company move, and turns them back.
-- Periods    where Visma has no row of a branch and subaccount for a period because nothing moved, its last closing
--            balance is carried: within the year for income and expense accounts, without end for all others. A period
--            in which nothing moved in the whole ledger has no rows.
-- Check      DIFFERENCE is closing less (opening + debit - credit), and is nothing in sound books.
-- Needs: GENERAL_LEDGER_BALANCES, LEDGERS
CREATE OR REPLACE VIEW VISMA_GL_BALANCES COPY GRANTS
COMMENT = 'Ledger balances by account and period: opening, debit, credit, closing' AS
WITH balance AS (
    SELECT
        b._COMPANY AS COMPANY,
        b.LEDGERID AS LEDGER,
        b.BALANCETYPE AS BALANCE_TYPE,
        b.BRANCHNUMBER AS BRANCH,
        b.ACCOUNTNUMBER AS ACCOUNT_NUMBER,
        b.ACCOUNT:description::VARCHAR AS ACCOUNT_NAME,
        b.ACCOUNT:type::VARCHAR AS ACCOUNT_TYPE,
        b.SUBACCOUNTKEY AS SUBACCOUNT,
        b.CURRENCYKEY AS ACCOUNT_CURRENCY,
        b.FINANCIALPERIOD AS PERIOD,
        COALESCE(b.BEGINNINGBALANCE, 0) AS OPENING,
        COALESCE(b.PERIODTODATEDEBIT, 0) AS DEBIT,
        COALESCE(b.PERIODTODATECREDIT, 0) AS CREDIT,
        COALESCE(b.YEARTODATEBALANCE, 0) AS CLOSING
    FROM GENERAL_LEDGER_BALANCES b
    WHERE b._SDC_DELETED_AT IS NULL
),
turned AS (
    SELECT
        b.COMPANY,
        COUNT_IF(b.DEBIT <> b.CREDIT AND b.CLOSING - b.OPENING = b.CREDIT - b.DEBIT)
        > COUNT_IF(b.DEBIT <> b.CREDIT AND b.CLOSING - b.OPENING = b.DEBIT - b.CREDIT) AS CREDIT_IS_PLUS
    FROM balance b
    WHERE b.ACCOUNT_TYPE IN ('Liability', 'Income')
    GROUP BY b.COMPANY
),
stated AS (
    SELECT
        b.*,
        IFF(b.ACCOUNT_TYPE IN ('Liability', 'Income') AND COALESCE(t.CREDIT_IS_PLUS, FALSE), -1, 1) AS SIGN
    FROM balance b
    LEFT JOIN turned t ON t.COMPANY = b.COMPANY
),
place AS (
    SELECT
        s.COMPANY, s.LEDGER, s.BRANCH, s.ACCOUNT_NUMBER, s.SUBACCOUNT, s.ACCOUNT_CURRENCY,
        MAX(s.ACCOUNT_TYPE) AS ACCOUNT_TYPE,
        MIN(s.PERIOD) AS FIRST_PERIOD
    FROM stated s
    GROUP BY s.COMPANY, s.LEDGER, s.BRANCH, s.ACCOUNT_NUMBER, s.SUBACCOUNT, s.ACCOUNT_CURRENCY
),
period AS (
    SELECT DISTINCT s.COMPANY, s.LEDGER, s.PERIOD FROM stated s
),
filled AS (
    SELECT
        p.COMPANY, p.LEDGER, t.PERIOD, p.ACCOUNT_NUMBER,
        s.PERIOD IS NOT NULL AS IS_STATED,
        s.SIGN * s.OPENING AS OPENING,
        s.DEBIT,
        s.CREDIT,
        s.SIGN * s.CLOSING AS CLOSING,
        LAST_VALUE(s.SIGN * s.CLOSING) IGNORE NULLS OVER (
            PARTITION BY p.COMPANY, p.LEDGER, p.BRANCH, p.ACCOUNT_NUMBER, p.SUBACCOUNT, p.ACCOUNT_CURRENCY,
                IFF(p.ACCOUNT_TYPE IN ('Income', 'Expense'), LEFT(t.PERIOD, 4), '')
            ORDER BY t.PERIOD ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS CARRIED
    FROM place p
    JOIN period t ON t.COMPANY = p.COMPANY AND t.LEDGER = p.LEDGER AND t.PERIOD >= p.FIRST_PERIOD
    LEFT JOIN stated s
        ON s.COMPANY = p.COMPANY AND s.LEDGER = p.LEDGER AND s.BRANCH = p.BRANCH
        AND s.ACCOUNT_NUMBER = p.ACCOUNT_NUMBER AND s.SUBACCOUNT = p.SUBACCOUNT
        AND s.ACCOUNT_CURRENCY = p.ACCOUNT_CURRENCY AND s.PERIOD = t.PERIOD
),
summed AS (
    SELECT
        f.COMPANY, f.LEDGER, f.PERIOD, f.ACCOUNT_NUMBER,
        SUM(COALESCE(IFF(f.IS_STATED, f.OPENING, f.CARRIED), 0)::NUMBER(38, 9)) AS OPENING,
        SUM(COALESCE(f.DEBIT, 0)::NUMBER(38, 9)) AS DEBIT,
        SUM(COALESCE(f.CREDIT, 0)::NUMBER(38, 9)) AS CREDIT,
        SUM(COALESCE(IFF(f.IS_STATED, f.CLOSING, f.CARRIED), 0)::NUMBER(38, 9)) AS CLOSING
    FROM filled f
    GROUP BY f.COMPANY, f.LEDGER, f.PERIOD, f.ACCOUNT_NUMBER
),
described AS (
    SELECT
        s.COMPANY, s.LEDGER, s.ACCOUNT_NUMBER,
        MAX(s.BALANCE_TYPE) AS BALANCE_TYPE,
        MAX(s.ACCOUNT_NAME) AS ACCOUNT_NAME,
        MAX(s.ACCOUNT_TYPE) AS ACCOUNT_TYPE
    FROM stated s
    GROUP BY s.COMPANY, s.LEDGER, s.ACCOUNT_NUMBER
)
SELECT
    s.COMPANY,
    s.LEDGER,
    a.BALANCE_TYPE,
    s.PERIOD,
    s.ACCOUNT_NUMBER,
    a.ACCOUNT_NAME,
    a.ACCOUNT_TYPE,
    l.CURRENCYID AS CURRENCY,
    s.OPENING,
    s.DEBIT,
    s.CREDIT,
    s.CLOSING,
    (s.CLOSING - s.OPENING - s.DEBIT + s.CREDIT)::NUMBER(38, 9) AS DIFFERENCE
FROM summed s
JOIN described a ON a.COMPANY = s.COMPANY AND a.LEDGER = s.LEDGER AND a.ACCOUNT_NUMBER = s.ACCOUNT_NUMBER
LEFT JOIN LEDGERS l ON l._COMPANY = s.COMPANY AND l."NUMBER" = s.LEDGER AND l._SDC_DELETED_AT IS NULL

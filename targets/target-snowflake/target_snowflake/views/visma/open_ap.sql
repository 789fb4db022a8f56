-- What do we still owe our suppliers, and how long has it been due?
--
-- Grain      one row per company and supplier document with an open balance, from SUPPLIER_DOCUMENTS: it holds every
--            kind of document, payments that are not applied included, and states totals in document currency.
-- Currency   OPEN_AMOUNT and the buckets are in CURRENCY, the document's: add up within one CURRENCY only.
--            BASE_OPEN_AMOUNT is in the company's own currency; Visma states none for payments (NULL).
-- Sign       what we owe counts plus: invoices, debit notes (CreditAdj), prepayment requests, refunds. What we have to
--            our credit counts minus: credit notes (DebitAdj) and payments not applied yet.
-- Ageing     by AS_OF_DATE less DUE_DATE (the document date where there is no due date). AS_OF_DATE is the day of the
--            newest change to a supplier document of the company, in Visma's own time: the day the balances are of.
--            For another day reckon with DUE_DATE.
-- Left out   voided documents and what is not booked yet (on hold, balanced, scheduled).
-- Needs: SUPPLIER_DOCUMENTS
CREATE OR REPLACE VIEW VISMA_OPEN_AP COPY GRANTS
COMMENT = 'Open supplier balances by document, with ageing' AS
WITH document AS (
    SELECT
        d._COMPANY AS COMPANY,
        d.SUPPLIER:number::VARCHAR AS SUPPLIER_NUMBER,
        d.SUPPLIER:name::VARCHAR AS SUPPLIER_NAME,
        d.DOCUMENTTYPE AS DOCUMENT_TYPE,
        d.REFERENCENUMBER AS DOCUMENT,
        d.SUPPLIERREFERENCE AS SUPPLIER_REFERENCE,
        d."DATE"::DATE AS DOCUMENT_DATE,
        COALESCE(d.DUEDATE, d."DATE")::DATE AS DUE_DATE,
        d.FINANCIALPERIOD AS PERIOD,
        d.STATUS,
        d.CURRENCYID AS CURRENCY,
        CASE
            WHEN d.DOCUMENTTYPE IN ('DebitAdj', 'Check', 'Payment', 'VoidCheck', 'VoidQuickCheck') THEN -1
            ELSE 1
        END AS SIGN,
        d.AMOUNTINCURRENCY AS AMOUNT,
        d.BALANCEINCURRENCY AS OPEN_BALANCE,
        d.BALANCE AS BASE_BALANCE,
        MAX(d.LASTMODIFIEDDATETIME) OVER (PARTITION BY d._COMPANY) AS NEWEST_CHANGE
    FROM SUPPLIER_DOCUMENTS d
    WHERE d._SDC_DELETED_AT IS NULL
),
open_document AS (
    SELECT
        d.*,
        d.NEWEST_CHANGE::DATE AS AS_OF_DATE,
        DATEDIFF('day', d.DUE_DATE, d.NEWEST_CHANGE::DATE) AS DAYS_OVERDUE,
        (d.SIGN * d.OPEN_BALANCE)::NUMBER(38, 9) AS OPEN_AMOUNT
    FROM document d
    WHERE d.OPEN_BALANCE <> 0
        AND COALESCE(d.STATUS, '') NOT IN ('Hold', 'Balanced', 'Scheduled', 'Voided')
)
SELECT
    o.COMPANY,
    o.SUPPLIER_NUMBER,
    o.SUPPLIER_NAME,
    o.DOCUMENT_TYPE,
    o.DOCUMENT,
    o.SUPPLIER_REFERENCE,
    o.DOCUMENT_DATE,
    o.DUE_DATE,
    o.PERIOD,
    o.STATUS,
    o.CURRENCY,
    (o.SIGN * o.AMOUNT)::NUMBER(38, 9) AS AMOUNT,
    o.OPEN_AMOUNT,
    (o.SIGN * o.BASE_BALANCE)::NUMBER(38, 9) AS BASE_OPEN_AMOUNT,
    o.AS_OF_DATE,
    o.DAYS_OVERDUE,
    CASE
        WHEN o.DAYS_OVERDUE IS NULL THEN 'unknown'
        WHEN o.DAYS_OVERDUE <= 0 THEN 'not due'
        WHEN o.DAYS_OVERDUE <= 30 THEN '1-30'
        WHEN o.DAYS_OVERDUE <= 60 THEN '31-60'
        WHEN o.DAYS_OVERDUE <= 90 THEN '61-90'
        ELSE 'over 90'
    END AS AGE_BUCKET,
    IFF(o.DAYS_OVERDUE <= 0, o.OPEN_AMOUNT, 0)::NUMBER(38, 9) AS NOT_DUE,
    IFF(o.DAYS_OVERDUE BETWEEN 1 AND 30, o.OPEN_AMOUNT, 0)::NUMBER(38, 9) AS OVERDUE_1_30,
    IFF(o.DAYS_OVERDUE BETWEEN 31 AND 60, o.OPEN_AMOUNT, 0)::NUMBER(38, 9) AS OVERDUE_31_60,
    IFF(o.DAYS_OVERDUE BETWEEN 61 AND 90, o.OPEN_AMOUNT, 0)::NUMBER(38, 9) AS OVERDUE_61_90,
    IFF(o.DAYS_OVERDUE > 90, o.OPEN_AMOUNT, 0)::NUMBER(38, 9) AS OVERDUE_OVER_90
FROM open_document o

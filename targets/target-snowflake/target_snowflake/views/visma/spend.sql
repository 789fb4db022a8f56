-- What was bought from whom, and which cost centre bears it?
--
-- Grain      one row per company, period, supplier, cost centre and document currency.
-- Amount     lines of booked supplier invoices without VAT, line discounts taken off. Where an invoice's lines contain
--            VAT, it is taken off by each line's rate (the rate of the invoice's VAT that the line's VAT category
--            stands for, else the invoice's average), and the lines add up to the invoice's net total to the cent.
--            Discounts, withholding tax and rounding of a whole document belong to no line and are left out.
--            Purchases of assets are in.
-- Currency   AMOUNT is in CURRENCY, the document's; BASE_AMOUNT is the same in BASE_CURRENCY, the company's own. Add up
--            AMOUNT within one CURRENCY only, BASE_AMOUNT within one BASE_CURRENCY only.
-- Sign       invoices count plus; credit notes (DebitAdj) and voided quick payments minus.
-- Left out   voided documents; what is not booked yet (on hold, balanced, scheduled); prepayments, since the invoice
--            that follows brings the cost.
-- Cost centre  the value of the segment of the subaccount that COST_CENTERS was read from; where a line's subaccount
--            has no such segment, its whole number; NULL where the line has no subaccount.
-- Needs: SUPPLIER_INVOICES, COST_CENTERS, CURRENCIES, VAT_CATEGORIES
CREATE OR REPLACE VIEW VISMA_SPEND COPY GRANTS
COMMENT = 'Spend by supplier and cost centre, per company, period and currency' AS
WITH invoice AS (
    SELECT
        i._COMPANY AS COMPANY,
        i.DOCUMENTTYPE AS DOCUMENT_TYPE,
        i.REFERENCENUMBER AS DOCUMENT,
        i.FINANCIALPERIOD AS PERIOD,
        i.SUPPLIER:number::VARCHAR AS SUPPLIER_NUMBER,
        i.SUPPLIER:name::VARCHAR AS SUPPLIER_NAME,
        i.CURRENCYID AS CURRENCY,
        IFF(i.DOCUMENTTYPE IN ('DebitAdj', 'VoidQuickCheck'), -1, 1) AS SIGN,
        COALESCE(i.DETAILTOTALINCURRENCY, 0) AS DETAIL,
        COALESCE(i.VATTOTALINCURRENCY, 0) AS VAT,
        COALESCE(i.DISCOUNTTOTALINCURRENCY, 0) AS DISCOUNT,
        COALESCE(i.VATTAXABLETOTALINCURRENCY, 0) + COALESCE(i.VATEXEMPTTOTALINCURRENCY, 0) AS TAXED,
        COALESCE(i.DETAILTOTAL, 0) AS BASE_DETAIL,
        COALESCE(i.VATTOTAL, 0) AS BASE_VAT,
        i.TAXCALCULATIONMODE AS TAX_MODE,
        i.INVOICELINES AS LINES,
        i.TAXDETAILLINES AS TAXES
    FROM SUPPLIER_INVOICES i
    WHERE i._SDC_DELETED_AT IS NULL
        AND NOT COALESCE(i.HOLD, FALSE)
        AND COALESCE(i.STATUS, '') NOT IN ('Hold', 'Balanced', 'Scheduled', 'Voided')
        AND i.DOCUMENTTYPE <> 'Prepayment'
),
line AS (
    SELECT
        i.*,
        -- With TaxSetting the tax itself decides whether lines contain it, and the totals show how it did.
        COALESCE(i.TAX_MODE = 'Gross' OR (
            i.TAX_MODE = 'TaxSetting' AND i.VAT <> 0
            AND (i.TAXED + i.VAT = i.DETAIL OR i.TAXED + i.VAT = i.DETAIL - i.DISCOUNT)
        ), FALSE) AS CONTAINS_VAT,
        l.INDEX AS LINE_INDEX,
        COALESCE(l.VALUE:costInCurrency::NUMBER(38, 9), 0) AS COST,
        COALESCE(l.VALUE:cost::NUMBER(38, 9), 0) AS BASE_COST,
        l.VALUE:vatCode:id::VARCHAR AS VAT_CATEGORY,
        NULLIF(l.VALUE:subaccount:subaccountNumber::VARCHAR, '') AS SUBACCOUNT,
        l.VALUE:subaccount:segments AS SEGMENTS
    FROM invoice i, LATERAL FLATTEN(INPUT => i.LINES) l
),
tax AS (
    SELECT
        i.COMPANY, i.DOCUMENT_TYPE, i.DOCUMENT,
        COALESCE(t.VALUE:vatId:number::VARCHAR, t.VALUE:taxId::VARCHAR) AS VAT_ID,
        t.VALUE:vatRate::NUMBER(38, 9) AS RATE
    FROM invoice i, LATERAL FLATTEN(INPUT => i.TAXES) t
),
category AS (
    SELECT c._COMPANY AS COMPANY, c.VATCATEGORYID AS VAT_CATEGORY, v.VALUE:vatId::VARCHAR AS VAT_ID
    FROM VAT_CATEGORIES c, LATERAL FLATTEN(INPUT => c.VATCATEGORYLINES) v
    WHERE c._SDC_DELETED_AT IS NULL
),
line_rate AS (
    SELECT l.COMPANY, l.DOCUMENT_TYPE, l.DOCUMENT, l.LINE_INDEX, SUM(t.RATE::NUMBER(38, 9)) AS RATE
    FROM line l
    JOIN category c ON c.COMPANY = l.COMPANY AND c.VAT_CATEGORY = l.VAT_CATEGORY
    JOIN tax t
        ON t.COMPANY = l.COMPANY AND t.DOCUMENT_TYPE = l.DOCUMENT_TYPE AND t.DOCUMENT = l.DOCUMENT
        AND t.VAT_ID = c.VAT_ID
    WHERE l.CONTAINS_VAT
    GROUP BY l.COMPANY, l.DOCUMENT_TYPE, l.DOCUMENT, l.LINE_INDEX
),
measured AS (
    -- Each line twice: in the document's currency and in the company's.
    SELECT COMPANY, DOCUMENT_TYPE, DOCUMENT, LINE_INDEX, CONTAINS_VAT, 'document' AS MEASURE, COST, DETAIL, VAT FROM line
    UNION ALL
    SELECT COMPANY, DOCUMENT_TYPE, DOCUMENT, LINE_INDEX, CONTAINS_VAT, 'base', BASE_COST, BASE_DETAIL, BASE_VAT FROM line
),
weighed AS (
    SELECT
        m.*,
        m.DETAIL - m.VAT AS NET_TOTAL,
        CASE
            WHEN NOT m.CONTAINS_VAT THEN m.COST
            WHEN r.RATE IS NOT NULL THEN (m.COST * 100 / (100 + r.RATE))::NUMBER(38, 9)
            WHEN m.DETAIL <> 0 THEN (m.COST * (m.DETAIL - m.VAT) / NULLIF(m.DETAIL, 0))::NUMBER(38, 9)
            ELSE 0
        END AS WEIGHT
    FROM measured m
    LEFT JOIN line_rate r
        ON r.COMPANY = m.COMPANY AND r.DOCUMENT_TYPE = m.DOCUMENT_TYPE AND r.DOCUMENT = m.DOCUMENT
        AND r.LINE_INDEX = m.LINE_INDEX
),
running AS (
    SELECT
        w.*,
        SUM(w.WEIGHT::NUMBER(38, 9)) OVER (
            PARTITION BY w.COMPANY, w.DOCUMENT_TYPE, w.DOCUMENT, w.MEASURE ORDER BY w.LINE_INDEX
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS WEIGHT_SO_FAR,
        SUM(w.WEIGHT::NUMBER(38, 9)) OVER (
            PARTITION BY w.COMPANY, w.DOCUMENT_TYPE, w.DOCUMENT, w.MEASURE
        ) AS WEIGHT_TOTAL
    FROM weighed w
),
net AS (
    -- The share of all lines up to here, rounded, less that of those before: nothing is lost by rounding.
    SELECT
        r.COMPANY, r.DOCUMENT_TYPE, r.DOCUMENT, r.LINE_INDEX, r.MEASURE,
        IFF(
            r.CONTAINS_VAT AND r.WEIGHT_TOTAL <> 0,
            ROUND((r.WEIGHT_SO_FAR * r.NET_TOTAL / NULLIF(r.WEIGHT_TOTAL, 0))::NUMBER(38, 9), 2)
            - ROUND(((r.WEIGHT_SO_FAR - r.WEIGHT) * r.NET_TOTAL / NULLIF(r.WEIGHT_TOTAL, 0))::NUMBER(38, 9), 2),
            r.WEIGHT
        )::NUMBER(38, 9) AS NET_COST
    FROM running r
),
cost_center_segment AS (
    SELECT c._COMPANY AS COMPANY, c.SEGMENTID AS SEGMENT_ID
    FROM COST_CENTERS c
    WHERE c._SDC_DELETED_AT IS NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY c._COMPANY ORDER BY c._SDC_EXTRACTED_AT DESC, c.SEGMENTID) = 1
),
segment AS (
    SELECT
        l.COMPANY,
        l.DOCUMENT_TYPE,
        l.DOCUMENT,
        l.LINE_INDEX,
        s.VALUE:segmentId::NUMBER(38, 0) AS SEGMENT_ID,
        NULLIF(s.VALUE:segmentValue::VARCHAR, '') AS SEGMENT_VALUE
    FROM line l, LATERAL FLATTEN(INPUT => l.SEGMENTS) s
),
line_cost_center AS (
    SELECT s.COMPANY, s.DOCUMENT_TYPE, s.DOCUMENT, s.LINE_INDEX, MAX(s.SEGMENT_VALUE) AS COST_CENTER
    FROM segment s
    JOIN cost_center_segment c ON c.COMPANY = s.COMPANY AND c.SEGMENT_ID = s.SEGMENT_ID
    GROUP BY s.COMPANY, s.DOCUMENT_TYPE, s.DOCUMENT, s.LINE_INDEX
),
spent AS (
    SELECT
        l.COMPANY, l.PERIOD, l.SUPPLIER_NUMBER, l.SUPPLIER_NAME, l.CURRENCY, l.DOCUMENT_TYPE, l.DOCUMENT,
        COALESCE(c.COST_CENTER, l.SUBACCOUNT) AS COST_CENTER,
        l.SIGN * d.NET_COST AS AMOUNT,
        l.SIGN * b.NET_COST AS BASE_AMOUNT
    FROM line l
    JOIN net d
        ON d.COMPANY = l.COMPANY AND d.DOCUMENT_TYPE = l.DOCUMENT_TYPE AND d.DOCUMENT = l.DOCUMENT
        AND d.LINE_INDEX = l.LINE_INDEX AND d.MEASURE = 'document'
    JOIN net b
        ON b.COMPANY = l.COMPANY AND b.DOCUMENT_TYPE = l.DOCUMENT_TYPE AND b.DOCUMENT = l.DOCUMENT
        AND b.LINE_INDEX = l.LINE_INDEX AND b.MEASURE = 'base'
    LEFT JOIN line_cost_center c
        ON c.COMPANY = l.COMPANY AND c.DOCUMENT_TYPE = l.DOCUMENT_TYPE AND c.DOCUMENT = l.DOCUMENT
        AND c.LINE_INDEX = l.LINE_INDEX
),
cost_center_name AS (
    SELECT c._COMPANY AS COMPANY, c.VALUEID AS COST_CENTER, c.DESCRIPTION AS NAME
    FROM COST_CENTERS c
    WHERE c._SDC_DELETED_AT IS NULL
),
base AS (
    SELECT c._COMPANY AS COMPANY, MIN(c.ID) AS CURRENCY
    FROM CURRENCIES c
    WHERE c.ISBASECURRENCY AND c._SDC_DELETED_AT IS NULL
    GROUP BY c._COMPANY
)
SELECT
    s.COMPANY,
    s.PERIOD,
    s.SUPPLIER_NUMBER,
    MAX(s.SUPPLIER_NAME) AS SUPPLIER_NAME,
    s.COST_CENTER,
    MAX(n.NAME) AS COST_CENTER_NAME,
    s.CURRENCY,
    SUM(s.AMOUNT::NUMBER(38, 9)) AS AMOUNT,
    MAX(b.CURRENCY) AS BASE_CURRENCY,
    SUM(s.BASE_AMOUNT::NUMBER(38, 9)) AS BASE_AMOUNT,
    COUNT(DISTINCT s.DOCUMENT_TYPE || '/' || s.DOCUMENT) AS DOCUMENTS,
    COUNT(*) AS LINES
FROM spent s
LEFT JOIN cost_center_name n ON n.COMPANY = s.COMPANY AND n.COST_CENTER = s.COST_CENTER
LEFT JOIN base b ON b.COMPANY = s.COMPANY
GROUP BY s.COMPANY, s.PERIOD, s.SUPPLIER_NUMBER, s.COST_CENTER, s.CURRENCY

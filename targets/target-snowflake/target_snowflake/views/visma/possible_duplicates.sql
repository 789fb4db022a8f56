-- Which supplier invoices look like one that is in the books already, in this company or in another?
--
-- Grain      one row per later document, beside the first one like it: first by document date, then company and number.
--            Of three alike, two are listed.
-- Alike      the same supplier, supplier's own number, currency and amount. Blanks, punctuation and case of the number
--            do not count. The same supplier is one VAT number (else company number), also under another supplier
--            number or in another company; without either, one supplier number of one company.
-- Currency   AMOUNT and OPEN_AMOUNT are in CURRENCY, the document's. AMOUNT added up within one CURRENCY is what may
--            have been booked twice.
-- Sign       invoices plus, credit notes (DebitAdj) minus; a credit note is never alike an invoice.
-- Left out   voided documents, payments, documents without the supplier's number or amount. Documents on hold are in:
--            they are the ones to stop.
-- Needs: SUPPLIER_DOCUMENTS, SUPPLIERS
CREATE OR REPLACE VIEW VISMA_POSSIBLE_DUPLICATES COPY GRANTS
COMMENT = 'Supplier invoices that look like one already in the books' AS
WITH supplier AS (
    SELECT
        s._COMPANY AS COMPANY,
        s."NUMBER" AS SUPPLIER_NUMBER,
        NULLIF(
            REGEXP_REPLACE(REGEXP_REPLACE(UPPER(s.VATREGISTRATIONID), '[^A-Z0-9]', ''), '^(NO[0-9]+)MVA$', '\\1'), ''
        ) AS VAT_NUMBER,
        NULLIF(REGEXP_REPLACE(UPPER(s.CORPORATEID), '[^A-Z0-9]', ''), '') AS COMPANY_NUMBER
    FROM SUPPLIERS s
    WHERE s._SDC_DELETED_AT IS NULL
),
document AS (
    SELECT
        d._COMPANY AS COMPANY,
        d.DOCUMENTTYPE AS DOCUMENT_TYPE,
        d.REFERENCENUMBER AS DOCUMENT,
        d.SUPPLIER:number::VARCHAR AS SUPPLIER_NUMBER,
        d.SUPPLIER:name::VARCHAR AS SUPPLIER_NAME,
        d.SUPPLIERREFERENCE AS SUPPLIER_REFERENCE,
        REGEXP_REPLACE(UPPER(d.SUPPLIERREFERENCE), '[[:space:][:punct:]]', '') AS PLAIN_REFERENCE,
        d."DATE"::DATE AS DOCUMENT_DATE,
        d.STATUS,
        d.CURRENCYID AS CURRENCY,
        (IFF(d.DOCUMENTTYPE = 'DebitAdj', -1, 1) * d.AMOUNTINCURRENCY)::NUMBER(38, 9) AS AMOUNT,
        (IFF(d.DOCUMENTTYPE = 'DebitAdj', -1, 1) * d.BALANCEINCURRENCY)::NUMBER(38, 9) AS OPEN_AMOUNT
    FROM SUPPLIER_DOCUMENTS d
    WHERE d._SDC_DELETED_AT IS NULL
        AND d.DOCUMENTTYPE IN ('Invoice', 'CreditAdj', 'DebitAdj', 'Prepayment', 'QuickCheck')
        AND COALESCE(d.STATUS, '') <> 'Voided'
        AND d.AMOUNTINCURRENCY <> 0
),
known AS (
    SELECT
        d.*,
        COALESCE(s.VAT_NUMBER, s.COMPANY_NUMBER, d.COMPANY || '/' || d.SUPPLIER_NUMBER) AS PARTY
    FROM document d
    LEFT JOIN supplier s ON s.COMPANY = d.COMPANY AND s.SUPPLIER_NUMBER = d.SUPPLIER_NUMBER
    WHERE d.PLAIN_REFERENCE <> ''
),
numbered AS (
    SELECT
        k.*,
        ROW_NUMBER() OVER (
            PARTITION BY k.PARTY, k.PLAIN_REFERENCE, k.CURRENCY, k.AMOUNT
            ORDER BY k.DOCUMENT_DATE, k.COMPANY, LENGTH(k.DOCUMENT), k.DOCUMENT, k.DOCUMENT_TYPE
        ) AS PLACE,
        COUNT(*) OVER (PARTITION BY k.PARTY, k.PLAIN_REFERENCE, k.CURRENCY, k.AMOUNT) AS DOCUMENTS
    FROM known k
)
SELECT
    n.COMPANY,
    n.DOCUMENT_TYPE,
    n.DOCUMENT,
    n.SUPPLIER_NUMBER,
    n.SUPPLIER_NAME,
    n.SUPPLIER_REFERENCE,
    n.DOCUMENT_DATE,
    n.STATUS,
    n.CURRENCY,
    n.AMOUNT,
    n.OPEN_AMOUNT,
    f.COMPANY AS FIRST_COMPANY,
    f.DOCUMENT_TYPE AS FIRST_DOCUMENT_TYPE,
    f.DOCUMENT AS FIRST_DOCUMENT,
    f.SUPPLIER_NUMBER AS FIRST_SUPPLIER_NUMBER,
    f.DOCUMENT_DATE AS FIRST_DOCUMENT_DATE,
    f.STATUS AS FIRST_STATUS,
    n.COMPANY = f.COMPANY AS SAME_COMPANY,
    n.DOCUMENTS
FROM numbered n
JOIN numbered f
    ON f.PARTY = n.PARTY AND f.PLAIN_REFERENCE = n.PLAIN_REFERENCE AND f.CURRENCY = n.CURRENCY
    AND f.AMOUNT = n.AMOUNT AND f.PLACE = 1
WHERE n.PLACE > 1

-- Has each company of the group booked what another one has invoiced it, at the same amount?
--
-- Grain      one row per selling company, buying company, kind (invoice or credit note) and number of the seller's
--            document. What the buyer booked under that number is added up; BUYER_DOCUMENTS says how many documents.
-- Partners   a customer or supplier is a company of the group when its VAT number or company number is that of one of
--            the other company's branches. Branches of one company do not count as partners.
-- Matched by the supplier's own number in the buyer's document, which is the seller's document number; blanks,
--            punctuation and case do not count.
-- RESULT     matched; amount differs; currency differs; not booked yet (the buyer has it on hold); missing at buyer;
--            missing at seller.
-- Currency   each side's amount is in its own document's currency, VAT included. DIFFERENCE, buyer less seller, is
--            reckoned in one currency only, else NULL; of what is missing it is the whole amount.
-- Sign       invoices plus, credit notes minus.
-- Left out   voided documents on both sides, payments and prepayments, the seller's documents that are not booked.
-- Needs: BRANCHES, CUSTOMERS, CUSTOMER_DOCUMENTS, SUPPLIERS, SUPPLIER_DOCUMENTS
CREATE OR REPLACE VIEW VISMA_INTERCOMPANY COPY GRANTS
COMMENT = 'What companies of the group invoice each other, and whether the other has booked it' AS
WITH party AS (
    SELECT 'company' AS ROLE, _COMPANY AS COMPANY, "NUMBER" AS PARTY_NUMBER, VATREGISTRATIONID AS VAT, CORPORATEID AS ID
    FROM BRANCHES
    WHERE _SDC_DELETED_AT IS NULL
    UNION ALL
    SELECT 'customer', _COMPANY, "NUMBER", VATREGISTRATIONID, CORPORATEID FROM CUSTOMERS WHERE _SDC_DELETED_AT IS NULL
    UNION ALL
    SELECT 'supplier', _COMPANY, "NUMBER", VATREGISTRATIONID, CORPORATEID FROM SUPPLIERS WHERE _SDC_DELETED_AT IS NULL
),
marked AS (
    SELECT
        p.ROLE, p.COMPANY, p.PARTY_NUMBER,
        REGEXP_REPLACE(REGEXP_REPLACE(UPPER(p.VAT), '[^A-Z0-9]', ''), '^(NO[0-9]+)MVA$', '\\1') AS MARK
    FROM party p
    UNION
    SELECT p.ROLE, p.COMPANY, p.PARTY_NUMBER, REGEXP_REPLACE(UPPER(p.ID), '[^A-Z0-9]', '') FROM party p
),
partner AS (
    SELECT DISTINCT i.ROLE, i.COMPANY, i.PARTY_NUMBER, c.COMPANY AS PARTNER
    FROM marked i
    JOIN marked c ON c.ROLE = 'company' AND c.MARK = i.MARK AND c.COMPANY <> i.COMPANY
    WHERE i.ROLE <> 'company' AND i.MARK <> ''
),
sale AS (
    SELECT
        d._COMPANY AS SELLER,
        p.PARTNER AS BUYER,
        d.REFERENCENUMBER AS DOCUMENT,
        REGEXP_REPLACE(UPPER(d.REFERENCENUMBER), '[[:space:][:punct:]]', '') AS PLAIN_NUMBER,
        IFF(d.DOCUMENTTYPE IN ('CreditNote', 'Credit Note'), 'credit note', 'invoice') AS KIND,
        d.DOCUMENTDATE::DATE AS DOCUMENT_DATE,
        d.FINANCIALPERIOD AS PERIOD,
        d.CURRENCYID AS CURRENCY,
        (IFF(d.DOCUMENTTYPE IN ('CreditNote', 'Credit Note'), -1, 1) * d.AMOUNTINCURRENCY)::NUMBER(38, 9) AS AMOUNT
    FROM CUSTOMER_DOCUMENTS d
    JOIN partner p
        ON p.ROLE = 'customer' AND p.COMPANY = d._COMPANY AND p.PARTY_NUMBER = d.CUSTOMER:number::VARCHAR
    WHERE d._SDC_DELETED_AT IS NULL
        AND d.DOCUMENTTYPE IN ('Invoice', 'DebitNote', 'FinCharge', 'CreditNote', 'Credit Note')
        AND COALESCE(d.STATUS, '') NOT IN ('Hold', 'Balanced', 'Scheduled', 'CreditHold', 'CcHold', 'Voided')
),
booking AS (
    SELECT
        p.PARTNER AS SELLER,
        d._COMPANY AS BUYER,
        d.REFERENCENUMBER AS DOCUMENT,
        d.SUPPLIERREFERENCE AS SUPPLIER_REFERENCE,
        NULLIF(REGEXP_REPLACE(UPPER(d.SUPPLIERREFERENCE), '[[:space:][:punct:]]', ''), '') AS PLAIN_NUMBER,
        IFF(d.DOCUMENTTYPE = 'DebitAdj', 'credit note', 'invoice') AS KIND,
        d."DATE"::DATE AS DOCUMENT_DATE,
        d.FINANCIALPERIOD AS PERIOD,
        d.CURRENCYID AS CURRENCY,
        COALESCE(d.STATUS, '') IN ('Hold', 'Balanced', 'Scheduled') AS IS_DRAFT,
        (IFF(d.DOCUMENTTYPE = 'DebitAdj', -1, 1) * d.AMOUNTINCURRENCY)::NUMBER(38, 9) AS AMOUNT
    FROM SUPPLIER_DOCUMENTS d
    JOIN partner p
        ON p.ROLE = 'supplier' AND p.COMPANY = d._COMPANY AND p.PARTY_NUMBER = d.SUPPLIER:number::VARCHAR
    WHERE d._SDC_DELETED_AT IS NULL
        AND d.DOCUMENTTYPE IN ('Invoice', 'CreditAdj', 'DebitAdj')
        AND COALESCE(d.STATUS, '') <> 'Voided'
),
booked AS (
    -- A document without the seller's number stays by itself: nothing says that two of them belong together.
    SELECT
        k.SELLER, k.BUYER, k.KIND, k.PLAIN_NUMBER,
        MIN(k.SUPPLIER_REFERENCE) AS SUPPLIER_REFERENCE,
        MIN(k.DOCUMENT) AS FIRST_DOCUMENT,
        MIN(k.DOCUMENT_DATE) AS FIRST_DATE,
        MIN(k.PERIOD) AS FIRST_PERIOD,
        IFF(MIN(k.CURRENCY) = MAX(k.CURRENCY), MIN(k.CURRENCY), NULL) AS ONE_CURRENCY,
        IFF(MIN(k.CURRENCY) = MAX(k.CURRENCY), SUM(k.AMOUNT::NUMBER(38, 9)), NULL) AS TOTAL,
        COUNT(*) AS DOCUMENTS,
        COUNT_IF(k.IS_DRAFT) AS DRAFTS
    FROM booking k
    GROUP BY k.SELLER, k.BUYER, k.KIND, k.PLAIN_NUMBER, IFF(k.PLAIN_NUMBER IS NULL, k.DOCUMENT, '')
)
SELECT
    COALESCE(s.SELLER, b.SELLER) AS SELLER,
    COALESCE(s.BUYER, b.BUYER) AS BUYER,
    COALESCE(s.KIND, b.KIND) AS KIND,
    COALESCE(s.DOCUMENT, b.SUPPLIER_REFERENCE) AS SELLER_DOCUMENT,
    b.FIRST_DOCUMENT AS BUYER_DOCUMENT,
    COALESCE(b.DOCUMENTS, 0) AS BUYER_DOCUMENTS,
    CASE
        WHEN s.SELLER IS NULL THEN 'missing at seller'
        WHEN b.BUYER IS NULL THEN 'missing at buyer'
        WHEN b.DRAFTS = b.DOCUMENTS THEN 'not booked yet'
        WHEN b.ONE_CURRENCY IS NULL OR b.ONE_CURRENCY <> s.CURRENCY THEN 'currency differs'
        WHEN b.TOTAL <> s.AMOUNT THEN 'amount differs'
        ELSE 'matched'
    END AS RESULT,
    s.CURRENCY AS SELLER_CURRENCY,
    s.AMOUNT AS SELLER_AMOUNT,
    b.ONE_CURRENCY AS BUYER_CURRENCY,
    b.TOTAL AS BUYER_AMOUNT,
    CASE
        WHEN s.SELLER IS NULL THEN b.TOTAL
        WHEN b.BUYER IS NULL THEN -s.AMOUNT
        WHEN b.ONE_CURRENCY = s.CURRENCY THEN b.TOTAL - s.AMOUNT
    END::NUMBER(38, 9) AS DIFFERENCE,
    s.DOCUMENT_DATE AS SELLER_DATE,
    b.FIRST_DATE AS BUYER_DATE,
    s.PERIOD AS SELLER_PERIOD,
    b.FIRST_PERIOD AS BUYER_PERIOD
FROM sale s
FULL OUTER JOIN booked b
    ON b.SELLER = s.SELLER AND b.BUYER = s.BUYER AND b.KIND = s.KIND AND b.PLAIN_NUMBER = s.PLAIN_NUMBER

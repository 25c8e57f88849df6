-- The same tables as migrations/postgres/0001_spine.sql: keep the two side by side.
-- Instants are whole seconds since 1970-01-01T00:00:00Z. Identifiers are UUIDs as text. Digests are raw bytes.

-- Files of the content-addressed store. A row is written only after its file is safe on disk.
CREATE TABLE blob (
    sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
    size INTEGER NOT NULL CHECK (size >= 0),
    stored_at INTEGER NOT NULL
) STRICT;

-- Verification reports as JSON, by the SHA-256 of their bytes.
CREATE TABLE report (
    sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
    body TEXT NOT NULL
) STRICT;

CREATE TABLE agency (
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    place TEXT NOT NULL,
    numbering TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE member (
    id TEXT PRIMARY KEY,
    agency TEXT NOT NULL REFERENCES agency (code),
    name TEXT NOT NULL,
    position TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    member TEXT NOT NULL REFERENCES member (id),
    secret_sha256 BLOB NOT NULL CHECK (length(secret_sha256) = 32),
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE TABLE document (
    id TEXT PRIMARY KEY,
    agency TEXT NOT NULL REFERENCES agency (code),
    file_name TEXT NOT NULL,
    blob_sha256 BLOB NOT NULL REFERENCES blob (sha256),
    secret INTEGER NOT NULL CHECK (secret IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('drafted', 'approved', 'issued')),
    number_type TEXT,
    number_series TEXT,
    number_year INTEGER,
    number_value INTEGER,
    number_symbol TEXT,
    number_text TEXT,
    number_date TEXT,
    subject TEXT,
    signer TEXT,
    uploaded_by TEXT NOT NULL REFERENCES member (id),
    uploaded_at INTEGER NOT NULL,
    CONSTRAINT document_number_once UNIQUE (agency, number_series, number_year, number_value),
    CONSTRAINT document_number_text_once UNIQUE (agency, number_year, number_text),
    CONSTRAINT document_issued_is_numbered CHECK (state <> 'issued' OR number_value IS NOT NULL)
) STRICT;

CREATE INDEX document_of_agency ON document (agency, id);
CREATE INDEX document_of_blob ON document (blob_sha256);

-- The next number of each series. Allotting is one update of one row.
CREATE TABLE number_series (
    agency TEXT NOT NULL REFERENCES agency (code),
    kind TEXT NOT NULL,
    year INTEGER NOT NULL,
    next INTEGER NOT NULL CHECK (next >= 1),
    PRIMARY KEY (agency, kind, year)
) STRICT;

CREATE TABLE number_void (
    agency TEXT NOT NULL,
    kind TEXT NOT NULL,
    year INTEGER NOT NULL,
    number INTEGER NOT NULL,
    document TEXT NOT NULL REFERENCES document (id),
    reason TEXT NOT NULL,
    voided_by TEXT NOT NULL REFERENCES member (id),
    voided_at INTEGER NOT NULL,
    PRIMARY KEY (agency, kind, year, number)
) STRICT;

CREATE TABLE signature (
    document TEXT NOT NULL REFERENCES document (id),
    role TEXT NOT NULL CHECK (role IN ('approve', 'issue')),
    position INTEGER NOT NULL,
    blob_sha256 BLOB NOT NULL REFERENCES blob (sha256),
    certificate_sha256 BLOB NOT NULL CHECK (length(certificate_sha256) = 32),
    report_sha256 BLOB NOT NULL REFERENCES report (sha256),
    recorded_by TEXT NOT NULL REFERENCES member (id),
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (document, role)
) STRICT;

CREATE TABLE dispatch (
    id TEXT PRIMARY KEY,
    document TEXT NOT NULL REFERENCES document (id),
    blob_sha256 BLOB NOT NULL REFERENCES blob (sha256),
    sender TEXT NOT NULL REFERENCES agency (code),
    business INTEGER NOT NULL CHECK (business BETWEEN 0 AND 3),
    sent_by TEXT NOT NULL REFERENCES member (id),
    sent_at INTEGER NOT NULL
) STRICT;

CREATE INDEX dispatch_of_sender ON dispatch (sender, id);
CREATE INDEX dispatch_of_document ON dispatch (document);

CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    dispatch TEXT NOT NULL REFERENCES dispatch (id),
    position INTEGER NOT NULL,
    recipient TEXT NOT NULL REFERENCES agency (code),
    state TEXT NOT NULL,
    before_recall TEXT,
    arrival_implied INTEGER NOT NULL CHECK (arrival_implied IN (0, 1)),
    due_at INTEGER,
    CONSTRAINT delivery_once_a_recipient UNIQUE (dispatch, recipient),
    CONSTRAINT delivery_in_order UNIQUE (dispatch, position)
) STRICT;

CREATE INDEX delivery_of_recipient ON delivery (recipient, id);

-- Append-only. The bytes of an event in the ledger are made from this row alone.
CREATE TABLE event (
    id TEXT PRIMARY KEY,
    delivery TEXT NOT NULL REFERENCES delivery (id),
    position INTEGER NOT NULL,
    code TEXT NOT NULL,
    actor TEXT NOT NULL REFERENCES member (id),
    at INTEGER NOT NULL,
    reason TEXT,
    reason_salt TEXT,
    report_sha256 BLOB REFERENCES report (sha256),
    state TEXT NOT NULL,
    CONSTRAINT event_in_order UNIQUE (delivery, position)
) STRICT;

-- What was reported but does not fit the table of states.
CREATE TABLE anomaly (
    id TEXT PRIMARY KEY,
    delivery TEXT NOT NULL REFERENCES delivery (id),
    event TEXT,
    code TEXT NOT NULL,
    actor TEXT NOT NULL REFERENCES member (id),
    at INTEGER NOT NULL,
    reason TEXT,
    state TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;

CREATE INDEX anomaly_of_delivery ON anomaly (delivery, id);

-- Whose ledger this is.
CREATE TABLE ledger_identity (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    verifier_key TEXT NOT NULL
) STRICT;

CREATE TABLE ledger_leaf (
    leaf INTEGER PRIMARY KEY CHECK (leaf >= 0),
    event TEXT NOT NULL UNIQUE REFERENCES event (id),
    entry BLOB NOT NULL
) STRICT;

-- Hashes of full subtrees: (level, node) covers leaves [node * 2^level, (node + 1) * 2^level).
CREATE TABLE ledger_node (
    level INTEGER NOT NULL,
    node INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, node)
) STRICT;

CREATE TABLE ledger_checkpoint (
    size INTEGER PRIMARY KEY CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL,
    signed_at INTEGER NOT NULL
) STRICT;

-- The answer to a request that may be asked again.
CREATE TABLE idempotency (
    client TEXT NOT NULL REFERENCES member (id),
    key TEXT NOT NULL,
    request_sha256 BLOB NOT NULL CHECK (length(request_sha256) = 32),
    response TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (client, key)
) STRICT;

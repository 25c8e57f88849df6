-- The same tables as migrations/sqlite/0001_spine.sql: keep the two side by side.
-- Texts compare by their bytes, whatever the locale of the database.
-- Instants are whole seconds since 1970-01-01T00:00:00Z. Identifiers are UUIDs as text. Digests are raw bytes.

-- Files of the content-addressed store. A row is written only after its file is safe on disk.
CREATE TABLE blob (
    sha256 BYTEA PRIMARY KEY CHECK (length(sha256) = 32),
    size BIGINT NOT NULL CHECK (size >= 0),
    stored_at BIGINT NOT NULL
);

-- Verification reports as JSON, by the SHA-256 of their bytes.
CREATE TABLE report (
    sha256 BYTEA PRIMARY KEY CHECK (length(sha256) = 32),
    body TEXT COLLATE "C" NOT NULL
);

CREATE TABLE agency (
    code TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    place TEXT COLLATE "C" NOT NULL,
    numbering TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE member (
    id TEXT COLLATE "C" PRIMARY KEY,
    agency TEXT COLLATE "C" NOT NULL REFERENCES agency (code),
    name TEXT COLLATE "C" NOT NULL,
    position TEXT COLLATE "C" NOT NULL,
    roles TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_key (
    id TEXT COLLATE "C" PRIMARY KEY,
    member TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    secret_sha256 BYTEA NOT NULL CHECK (length(secret_sha256) = 32),
    scopes TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE document (
    id TEXT COLLATE "C" PRIMARY KEY,
    agency TEXT COLLATE "C" NOT NULL REFERENCES agency (code),
    file_name TEXT COLLATE "C" NOT NULL,
    blob_sha256 BYTEA NOT NULL REFERENCES blob (sha256),
    secret BIGINT NOT NULL CHECK (secret IN (0, 1)),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('drafted', 'approved', 'issued')),
    number_type TEXT COLLATE "C",
    number_series TEXT COLLATE "C",
    number_year BIGINT,
    number_value BIGINT,
    number_symbol TEXT COLLATE "C",
    number_text TEXT COLLATE "C",
    number_date TEXT COLLATE "C",
    subject TEXT COLLATE "C",
    signer TEXT COLLATE "C",
    uploaded_by TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    uploaded_at BIGINT NOT NULL,
    CONSTRAINT document_number_once UNIQUE (agency, number_series, number_year, number_value),
    CONSTRAINT document_number_text_once UNIQUE (agency, number_year, number_text),
    CONSTRAINT document_issued_is_numbered CHECK (state <> 'issued' OR number_value IS NOT NULL)
);

CREATE INDEX document_of_agency ON document (agency, id);
CREATE INDEX document_of_blob ON document (blob_sha256);

-- The next number of each series. Allotting is one update of one row.
CREATE TABLE number_series (
    agency TEXT COLLATE "C" NOT NULL REFERENCES agency (code),
    kind TEXT COLLATE "C" NOT NULL,
    year BIGINT NOT NULL,
    next BIGINT NOT NULL CHECK (next >= 1),
    PRIMARY KEY (agency, kind, year)
);

CREATE TABLE number_void (
    agency TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    year BIGINT NOT NULL,
    number BIGINT NOT NULL,
    document TEXT COLLATE "C" NOT NULL REFERENCES document (id),
    reason TEXT COLLATE "C" NOT NULL,
    voided_by TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    voided_at BIGINT NOT NULL,
    PRIMARY KEY (agency, kind, year, number)
);

CREATE TABLE signature (
    document TEXT COLLATE "C" NOT NULL REFERENCES document (id),
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('approve', 'issue')),
    position BIGINT NOT NULL,
    blob_sha256 BYTEA NOT NULL REFERENCES blob (sha256),
    certificate_sha256 BYTEA NOT NULL CHECK (length(certificate_sha256) = 32),
    report_sha256 BYTEA NOT NULL REFERENCES report (sha256),
    recorded_by TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (document, role)
);

CREATE TABLE dispatch (
    id TEXT COLLATE "C" PRIMARY KEY,
    document TEXT COLLATE "C" NOT NULL REFERENCES document (id),
    blob_sha256 BYTEA NOT NULL REFERENCES blob (sha256),
    sender TEXT COLLATE "C" NOT NULL REFERENCES agency (code),
    business BIGINT NOT NULL CHECK (business BETWEEN 0 AND 3),
    sent_by TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    sent_at BIGINT NOT NULL
);

CREATE INDEX dispatch_of_sender ON dispatch (sender, id);
CREATE INDEX dispatch_of_document ON dispatch (document);

CREATE TABLE delivery (
    id TEXT COLLATE "C" PRIMARY KEY,
    dispatch TEXT COLLATE "C" NOT NULL REFERENCES dispatch (id),
    position BIGINT NOT NULL,
    recipient TEXT COLLATE "C" NOT NULL REFERENCES agency (code),
    state TEXT COLLATE "C" NOT NULL,
    before_recall TEXT COLLATE "C",
    arrival_implied BIGINT NOT NULL CHECK (arrival_implied IN (0, 1)),
    due_at BIGINT,
    CONSTRAINT delivery_once_a_recipient UNIQUE (dispatch, recipient),
    CONSTRAINT delivery_in_order UNIQUE (dispatch, position)
);

CREATE INDEX delivery_of_recipient ON delivery (recipient, id);

-- Append-only. The bytes of an event in the ledger are made from this row alone.
CREATE TABLE event (
    id TEXT COLLATE "C" PRIMARY KEY,
    delivery TEXT COLLATE "C" NOT NULL REFERENCES delivery (id),
    position BIGINT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    at BIGINT NOT NULL,
    reason TEXT COLLATE "C",
    reason_salt TEXT COLLATE "C",
    report_sha256 BYTEA REFERENCES report (sha256),
    state TEXT COLLATE "C" NOT NULL,
    CONSTRAINT event_in_order UNIQUE (delivery, position)
);

-- What was reported but does not fit the table of states.
CREATE TABLE anomaly (
    id TEXT COLLATE "C" PRIMARY KEY,
    delivery TEXT COLLATE "C" NOT NULL REFERENCES delivery (id),
    event TEXT COLLATE "C",
    code TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    at BIGINT NOT NULL,
    reason TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    why TEXT COLLATE "C" NOT NULL
);

CREATE INDEX anomaly_of_delivery ON anomaly (delivery, id);

-- Whose ledger this is.
CREATE TABLE ledger_identity (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    verifier_key TEXT COLLATE "C" NOT NULL
);

CREATE TABLE ledger_leaf (
    leaf BIGINT PRIMARY KEY CHECK (leaf >= 0),
    event TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES event (id),
    entry BYTEA NOT NULL
);

-- Hashes of full subtrees: (level, node) covers leaves [node * 2^level, (node + 1) * 2^level).
CREATE TABLE ledger_node (
    level BIGINT NOT NULL,
    node BIGINT NOT NULL,
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, node)
);

CREATE TABLE ledger_checkpoint (
    size BIGINT PRIMARY KEY CHECK (size >= 0),
    root BYTEA NOT NULL CHECK (length(root) = 32),
    note TEXT COLLATE "C" NOT NULL,
    signed_at BIGINT NOT NULL
);

-- The answer to a request that may be asked again.
CREATE TABLE idempotency (
    client TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    key TEXT COLLATE "C" NOT NULL,
    request_sha256 BYTEA NOT NULL CHECK (length(request_sha256) = 32),
    response TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (client, key)
);

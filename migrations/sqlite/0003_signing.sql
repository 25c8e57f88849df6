-- The same tables as migrations/postgres/0003_signing.sql: keep the two side by side.

-- Signatures whose value a key outside of the server makes, between the two steps.
CREATE TABLE prepared_signature (
    handle_sha256 BLOB PRIMARY KEY CHECK (length(handle_sha256) = 32),
    document TEXT NOT NULL REFERENCES document (id),
    agency TEXT NOT NULL REFERENCES agency (code),
    member TEXT NOT NULL REFERENCES member (id),
    role TEXT NOT NULL CHECK (role IN ('approve', 'issue')),
    document_sha256 BLOB NOT NULL REFERENCES blob (sha256),
    certificate_sha256 BLOB NOT NULL CHECK (length(certificate_sha256) = 32),
    statement TEXT NOT NULL,
    -- The revision to append; gone once the handle is used up.
    tail BLOB,
    wrong_values INTEGER NOT NULL CHECK (wrong_values >= 0),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'used', 'spent')),
    prepared_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX prepared_signature_of_member ON prepared_signature (member, state);
CREATE INDEX prepared_signature_by_end ON prepared_signature (expires_at);

-- Documents to be signed one after the other with one key of the server.
CREATE TABLE signature_batch (
    id TEXT PRIMARY KEY,
    agency TEXT NOT NULL REFERENCES agency (code),
    member TEXT NOT NULL REFERENCES member (id),
    api_key TEXT NOT NULL REFERENCES api_key (id),
    signer TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('approve', 'issue')),
    certificate_sha256 BLOB NOT NULL CHECK (length(certificate_sha256) = 32),
    request TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_sha256 BLOB NOT NULL CHECK (length(request_sha256) = 32),
    state TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'done')),
    stopped_by TEXT,
    -- Which server works on it, and until when nobody else may.
    worker TEXT,
    worker_until INTEGER,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    CONSTRAINT signature_batch_once UNIQUE (member, idempotency_key)
) STRICT;

CREATE INDEX signature_batch_by_state ON signature_batch (state, id);

CREATE TABLE signature_batch_item (
    batch TEXT NOT NULL REFERENCES signature_batch (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    document TEXT NOT NULL REFERENCES document (id),
    outcome TEXT NOT NULL CHECK (outcome IN ('waiting', 'signed', 'failed')),
    code TEXT,
    PRIMARY KEY (batch, position),
    CONSTRAINT signature_batch_item_once UNIQUE (batch, document)
) STRICT;

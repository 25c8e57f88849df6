-- The same tables as migrations/sqlite/0003_signing.sql: keep the two side by side.
-- Texts compare by their bytes, whatever the locale of the database.

-- Signatures whose value a key outside of the server makes, between the two steps.
CREATE TABLE prepared_signature (
    handle_sha256 BYTEA PRIMARY KEY CHECK (length(handle_sha256) = 32),
    document TEXT COLLATE "C" NOT NULL REFERENCES document (id),
    agency TEXT COLLATE "C" NOT NULL REFERENCES agency (code),
    member TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('approve', 'issue')),
    document_sha256 BYTEA NOT NULL REFERENCES blob (sha256),
    certificate_sha256 BYTEA NOT NULL CHECK (length(certificate_sha256) = 32),
    statement TEXT COLLATE "C" NOT NULL,
    -- The revision to append; gone once the handle is used up.
    tail BYTEA,
    wrong_values BIGINT NOT NULL CHECK (wrong_values >= 0),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'used', 'spent')),
    prepared_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX prepared_signature_of_member ON prepared_signature (member, state);
CREATE INDEX prepared_signature_by_end ON prepared_signature (expires_at);

-- Documents to be signed one after the other with one key of the server.
CREATE TABLE signature_batch (
    id TEXT COLLATE "C" PRIMARY KEY,
    agency TEXT COLLATE "C" NOT NULL REFERENCES agency (code),
    member TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    api_key TEXT COLLATE "C" NOT NULL REFERENCES api_key (id),
    signer TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('approve', 'issue')),
    certificate_sha256 BYTEA NOT NULL CHECK (length(certificate_sha256) = 32),
    request TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    request_sha256 BYTEA NOT NULL CHECK (length(request_sha256) = 32),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('running', 'stopped', 'done')),
    stopped_by TEXT COLLATE "C",
    -- Which server works on it, and until when nobody else may.
    worker TEXT COLLATE "C",
    worker_until BIGINT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    CONSTRAINT signature_batch_once UNIQUE (member, idempotency_key)
);

CREATE INDEX signature_batch_by_state ON signature_batch (state, id);

CREATE TABLE signature_batch_item (
    batch TEXT COLLATE "C" NOT NULL REFERENCES signature_batch (id),
    position BIGINT NOT NULL CHECK (position >= 0),
    document TEXT COLLATE "C" NOT NULL REFERENCES document (id),
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('waiting', 'signed', 'failed')),
    code TEXT COLLATE "C",
    PRIMARY KEY (batch, position),
    CONSTRAINT signature_batch_item_once UNIQUE (batch, document)
);

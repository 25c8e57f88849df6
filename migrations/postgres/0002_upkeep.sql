-- The same tables as migrations/sqlite/0002_upkeep.sql: keep the two side by side.

-- The level that a document's signatures shall reach, and what is to be done about it next. A row is there from the
-- first signature on that asks for more than level B. Nobody but the holder of the claim works on a document, until
-- the claim runs out.
CREATE TABLE upkeep (
    document TEXT COLLATE "C" PRIMARY KEY REFERENCES document (id),
    asked TEXT COLLATE "C" NOT NULL CHECK (asked IN ('B', 'T', 'LT', 'LTA')),
    reached TEXT COLLATE "C" NOT NULL CHECK (reached IN ('B', 'T', 'LT', 'LTA')),
    due_at BIGINT,
    good_until BIGINT,
    policy TEXT COLLATE "C" NOT NULL,
    tries BIGINT NOT NULL CHECK (tries >= 0),
    last_error TEXT COLLATE "C",
    changed_at BIGINT NOT NULL,
    claim TEXT COLLATE "C",
    claimed_until BIGINT,
    CONSTRAINT upkeep_claim_runs_out CHECK ((claim IS NULL) = (claimed_until IS NULL))
);

CREATE INDEX upkeep_due ON upkeep (due_at);

-- The files that upkeep made out of signed ones: the same bytes with evidence and time-stamps behind them.
CREATE TABLE document_extension (
    document TEXT COLLATE "C" NOT NULL REFERENCES document (id),
    position BIGINT NOT NULL,
    task TEXT COLLATE "C" NOT NULL CHECK (task IN ('raise', 'renew')),
    from_sha256 BYTEA NOT NULL REFERENCES blob (sha256),
    blob_sha256 BYTEA NOT NULL REFERENCES blob (sha256),
    report_sha256 BYTEA NOT NULL REFERENCES report (sha256),
    level TEXT COLLATE "C" NOT NULL CHECK (level IN ('B', 'T', 'LT', 'LTA')),
    recorded_by TEXT COLLATE "C" REFERENCES member (id),
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (document, position)
);

-- Time-stamps asked of each authority, by the hour since 1970-01-01T00:00:00Z.
CREATE TABLE time_stamp_usage (
    authority TEXT COLLATE "C" NOT NULL,
    hour BIGINT NOT NULL,
    used BIGINT NOT NULL CHECK (used >= 0),
    PRIMARY KEY (authority, hour)
);

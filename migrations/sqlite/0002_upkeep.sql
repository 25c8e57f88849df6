-- The same tables as migrations/postgres/0002_upkeep.sql: keep the two side by side.

-- The level that a document's signatures shall reach, and what is to be done about it next. A row is there from the
-- first signature on that asks for more than level B. Nobody but the holder of the claim works on a document, until
-- the claim runs out.
CREATE TABLE upkeep (
    document TEXT PRIMARY KEY REFERENCES document (id),
    asked TEXT NOT NULL CHECK (asked IN ('B', 'T', 'LT', 'LTA')),
    reached TEXT NOT NULL CHECK (reached IN ('B', 'T', 'LT', 'LTA')),
    due_at INTEGER,
    good_until INTEGER,
    policy TEXT NOT NULL,
    tries INTEGER NOT NULL CHECK (tries >= 0),
    last_error TEXT,
    changed_at INTEGER NOT NULL,
    claim TEXT,
    claimed_until INTEGER,
    CONSTRAINT upkeep_claim_runs_out CHECK ((claim IS NULL) = (claimed_until IS NULL))
) STRICT;

CREATE INDEX upkeep_due ON upkeep (due_at);

-- The files that upkeep made out of signed ones: the same bytes with evidence and time-stamps behind them.
CREATE TABLE document_extension (
    document TEXT NOT NULL REFERENCES document (id),
    position INTEGER NOT NULL,
    task TEXT NOT NULL CHECK (task IN ('raise', 'renew')),
    from_sha256 BLOB NOT NULL REFERENCES blob (sha256),
    blob_sha256 BLOB NOT NULL REFERENCES blob (sha256),
    report_sha256 BLOB NOT NULL REFERENCES report (sha256),
    level TEXT NOT NULL CHECK (level IN ('B', 'T', 'LT', 'LTA')),
    recorded_by TEXT REFERENCES member (id),
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (document, position)
) STRICT;

-- Time-stamps asked of each authority, by the hour since 1970-01-01T00:00:00Z.
CREATE TABLE time_stamp_usage (
    authority TEXT NOT NULL,
    hour INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (authority, hour)
) STRICT;

-- Times are milliseconds since 1970, ids and digests are bytes, payloads are sealed before they come here.

CREATE TABLE job (
    -- The order of acceptance; never given twice.
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    link TEXT NOT NULL,
    connector TEXT NOT NULL,
    operation TEXT NOT NULL,
    platform TEXT NOT NULL,
    key BLOB CHECK (length(key) = 32),
    safe INTEGER NOT NULL,
    newer TEXT NOT NULL CHECK (newer IN ('keep', 'supersede', 'coalesce')),
    body BLOB NOT NULL CHECK (length(body) = 32),
    state TEXT NOT NULL
        CHECK (state IN ('queued', 'sending', 'done', 'failed', 'parked', 'unknown', 'superseded', 'cancelled')),
    -- Queued behind another of its line (same link and key). Of a line at most one is neither blocked nor over.
    blocked INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    -- An attempt ended with nobody knowing its effect.
    doubt INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    lease_until INTEGER CHECK ((state = 'sending') = (lease_until IS NOT NULL)),
    parks_at INTEGER,
    class TEXT,
    outcome TEXT,
    code TEXT,
    message TEXT,
    superseded_by BLOB CHECK ((state = 'superseded') = (superseded_by IS NOT NULL)),
    accepted INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    finished INTEGER CHECK ((state IN ('queued', 'sending')) = (finished IS NULL)),
    batch BLOB,
    row INTEGER,
    callback INTEGER NOT NULL,
    request_id TEXT NOT NULL
) STRICT;

CREATE INDEX job_due ON job (link, next_at, seq) WHERE state = 'queued' AND blocked = 0;
CREATE INDEX job_age ON job (parks_at) WHERE state = 'queued' AND parks_at IS NOT NULL;
CREATE INDEX job_sending ON job (lease_until) WHERE state = 'sending';
CREATE INDEX job_line ON job (link, key, state, seq) WHERE key IS NOT NULL;
CREATE INDEX job_newer ON job (link, key, operation, seq) WHERE newer = 'supersede';
CREATE INDEX job_link ON job (link, state, seq);
CREATE INDEX job_owner ON job (link, platform, state, seq);
CREATE INDEX job_platform ON job (platform, state, seq);
CREATE INDEX job_state ON job (state, seq);
CREATE INDEX job_batch ON job (batch, state, seq) WHERE batch IS NOT NULL;

-- How many jobs of a link are in a state: asked for at every lease and every scrape, and too many to count then.
CREATE TABLE tally (
    link TEXT NOT NULL,
    state TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (link, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_inserted AFTER INSERT ON job BEGIN
    INSERT INTO tally VALUES (new.link, new.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;

CREATE TRIGGER job_moved AFTER UPDATE OF state ON job WHEN old.state <> new.state BEGIN
    UPDATE tally SET jobs = jobs - 1 WHERE link = old.link AND state = old.state;
    INSERT INTO tally VALUES (new.link, new.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;

-- Apart from the jobs, so that walking over jobs does not read payloads. No row: it is gone.
CREATE TABLE payload (
    job INTEGER PRIMARY KEY REFERENCES job (seq),
    sealed BLOB NOT NULL,
    until INTEGER
) STRICT;
CREATE INDEX payload_until ON payload (until) WHERE until IS NOT NULL;

CREATE TABLE result (
    job INTEGER PRIMARY KEY REFERENCES job (seq),
    sealed BLOB NOT NULL,
    until INTEGER
) STRICT;
CREATE INDEX result_until ON result (until) WHERE until IS NOT NULL;

CREATE TABLE attempt (
    job INTEGER NOT NULL REFERENCES job (seq),
    n INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    class TEXT,
    outcome TEXT,
    code TEXT,
    message TEXT,
    PRIMARY KEY (job, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    platform TEXT NOT NULL,
    key BLOB NOT NULL,
    body BLOB NOT NULL,
    job INTEGER NOT NULL REFERENCES job (seq),
    until INTEGER NOT NULL,
    PRIMARY KEY (platform, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_until ON idempotency (until);

CREATE TABLE hold (
    link TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    platform TEXT NOT NULL,
    link TEXT NOT NULL,
    operation TEXT NOT NULL,
    -- Its sender can name it, and so go on with it.
    named INTEGER NOT NULL,
    meta BLOB,
    request_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    closed INTEGER
) STRICT;
CREATE INDEX batch_open ON batch (seq) WHERE closed IS NULL;

-- A row is a job, or refused with an error until that is deleted; in conflict it names the job that it contradicts.
CREATE TABLE batch_row (
    batch INTEGER NOT NULL REFERENCES batch (seq),
    row INTEGER NOT NULL,
    job INTEGER REFERENCES job (seq),
    -- What was sent.
    body BLOB NOT NULL CHECK (length(body) = 32),
    conflict INTEGER NOT NULL DEFAULT 0,
    col TEXT,
    error BLOB CHECK (error IS NULL OR job IS NULL),
    until INTEGER CHECK ((until IS NULL) = (error IS NULL)),
    PRIMARY KEY (batch, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX batch_row_until ON batch_row (until) WHERE until IS NOT NULL;

CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES job (seq),
    platform TEXT NOT NULL,
    came_to TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'done', 'parked')),
    n INTEGER NOT NULL DEFAULT 0,
    -- Queued: not before. Sending: until when.
    next_at INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE INDEX event_due ON event (platform, next_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX event_parked ON event (platform) WHERE state = 'parked';

CREATE TABLE value (
    link TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    expires INTEGER,
    PRIMARY KEY (link, key)
) STRICT;
CREATE INDEX value_expires ON value (expires) WHERE expires IS NOT NULL;

CREATE TABLE audit (
    n INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request_id TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE checkpoint (
    n INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    mac BLOB NOT NULL
) STRICT;

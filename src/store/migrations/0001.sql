-- The state of dirsyncd: the snapshot with its links, group memberships, runs and the journal.
--
-- Ids are 16 raw bytes (SELECT hex(anchor) shows them), times are seconds since 1970-01-01 UTC.

-- Facts about the whole. `generation` grows with every transaction that changes the snapshot.
CREATE TABLE meta (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    generation INTEGER NOT NULL,
    document   TEXT NOT NULL
) STRICT;
INSERT INTO meta VALUES (1, 0, '{}');

-- The wide part of the snapshot, written once per confirmed change of a person.
CREATE TABLE person (
    id       INTEGER PRIMARY KEY,
    cloud_id TEXT NOT NULL,
    dn       TEXT NOT NULL,
    origin   TEXT NOT NULL,
    applied  TEXT NOT NULL,
    given    TEXT NOT NULL
) STRICT;

-- The narrow part: what a comparison of the whole directory streams through.
CREATE TABLE link (
    anchor     BLOB NOT NULL PRIMARY KEY,
    record     BLOB NOT NULL,
    applied    BLOB NOT NULL,
    licenses   INTEGER NOT NULL,
    cloud      BLOB NOT NULL,
    left_since INTEGER,
    recheck    INTEGER,
    person     INTEGER NOT NULL,
    email      BLOB NOT NULL,
    dn         BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_left ON link (left_since) WHERE left_since IS NOT NULL;
CREATE INDEX link_recheck ON link (recheck) WHERE recheck IS NOT NULL;

-- By which keys people are found: a hint that the link confirms. New names are appended to
-- `news` and sorted into `name` when they are many, because single writes all over a large
-- index are what would cost most in a first load.
CREATE TABLE name (
    key    BLOB NOT NULL,
    anchor BLOB NOT NULL,
    PRIMARY KEY (key, anchor)
) STRICT, WITHOUT ROWID;
CREATE TABLE news (
    id     INTEGER PRIMARY KEY,
    anchor BLOB NOT NULL,
    cloud  BLOB NOT NULL,
    email  BLOB NOT NULL,
    dn     BLOB NOT NULL,
    gone   INTEGER NOT NULL
) STRICT;

-- Groups that the rules may ask about, and who is directly in them. Members are named by the
-- key of their DN, so that people and groups that were not read yet can be members.
-- Ids are never used again, so that a reader may remember them.
CREATE TABLE source_group (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    key    BLOB NOT NULL UNIQUE,
    anchor BLOB NOT NULL,
    dn     TEXT NOT NULL,
    names  TEXT NOT NULL,
    record BLOB NOT NULL
) STRICT;
CREATE TABLE member (
    member       BLOB NOT NULL,
    source_group INTEGER NOT NULL,
    PRIMARY KEY (member, source_group)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_of ON member (source_group);

CREATE TABLE run (
    id       INTEGER PRIMARY KEY,
    started  INTEGER NOT NULL,
    ended    INTEGER,
    mode     TEXT NOT NULL,
    prompted TEXT NOT NULL,
    outcome  TEXT,
    counts   TEXT
) STRICT;

-- The journal, narrow part: small enough to search without an index. An outcome of 0 is an
-- intent that was begun and not settled; the others are listed in journal.rs.
CREATE TABLE intent (
    id      INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    anchor  BLOB NOT NULL,
    email   BLOB NOT NULL,
    begun   INTEGER NOT NULL,
    ended   INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    code    TEXT,
    message TEXT
) STRICT;
CREATE INDEX intent_open ON intent (id) WHERE outcome = 0;
CREATE INDEX intent_unknown ON intent (id) WHERE outcome = 4;

-- The journal, wide part: the action with its before-images, as JSON.
CREATE TABLE deed (
    intent INTEGER PRIMARY KEY,
    plan   TEXT NOT NULL,
    action TEXT NOT NULL
) STRICT;

CREATE TABLE held (
    id         TEXT NOT NULL PRIMARY KEY,
    run        INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    decision   TEXT,
    decided    INTEGER,
    findings   TEXT NOT NULL,
    actions    TEXT NOT NULL
) STRICT;

-- What the last pass could not decide, and who waits for a seat: replaced by every pass.
CREATE TABLE withheld (
    id     INTEGER PRIMARY KEY,
    run    INTEGER NOT NULL,
    object TEXT NOT NULL
) STRICT;
CREATE TABLE waiting (
    id      INTEGER PRIMARY KEY,
    anchor  BLOB NOT NULL,
    email   TEXT NOT NULL,
    license TEXT NOT NULL
) STRICT;

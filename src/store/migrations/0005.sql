-- The queue for seats: who waits, since when, and in which order they are served. It outlives the
-- pass. What older versions knew is kept, in no particular order; the next pass finds theirs.
ALTER TABLE waiting RENAME TO waiting_before;
CREATE TABLE waiting (
    anchor   BLOB NOT NULL,
    license  TEXT NOT NULL,
    email    TEXT NOT NULL,
    since    INTEGER NOT NULL,
    -- The place in the order: see Rank in model/standing.rs. The first rule that gives the licence,
    -- by its place and its name.
    behind   INTEGER NOT NULL,
    rule     INTEGER NOT NULL,
    named    TEXT NOT NULL,
    ordering BLOB NOT NULL,
    created  INTEGER NOT NULL,
    -- Why, and how often in a row the cloud refused.
    reason   TEXT NOT NULL,
    refused  INTEGER NOT NULL,
    PRIMARY KEY (license, anchor)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO waiting
    SELECT anchor, license, email, (SELECT coalesce(max(started), 0) FROM run), 0, 65535, '', x'', 9223372036854775807, 'no_seat', 0
    FROM waiting_before;
DROP TABLE waiting_before;

-- Seats per licence and day, as the last pass of the day left them: what a forecast is made from.
-- Days are counted from 1970-01-01 UTC.
CREATE TABLE seat_day (
    license  TEXT NOT NULL,
    day      INTEGER NOT NULL,
    total    INTEGER NOT NULL,
    consumed INTEGER NOT NULL,
    demand   INTEGER NOT NULL,
    waiting  INTEGER NOT NULL,
    PRIMARY KEY (license, day)
) STRICT, WITHOUT ROWID;

-- What lets a pass follow the changes instead of reading everything.

-- Entries of a source below which others stand: when one of them moves, so do those.
CREATE TABLE container (
    source TEXT NOT NULL,
    anchor BLOB NOT NULL,
    dn     TEXT NOT NULL,
    PRIMARY KEY (source, anchor)
) STRICT, WITHOUT ROWID;

-- People without a link, or about to lose it, with whom the last pass did not come to an end:
-- withheld, refused by the cloud, held by the guard.
CREATE TABLE unfinished (
    anchor BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Linked people with whom it did not. Leavers have no record either, and nothing is open.
CREATE INDEX link_open ON link (anchor)
    WHERE record = x'00000000000000000000000000000000' AND left_since IS NULL;

-- Which of the linked are rooms: they share everything with people but the rules. Rows written by
-- earlier versions are people.
ALTER TABLE link ADD COLUMN room INTEGER NOT NULL DEFAULT 0;
CREATE INDEX link_room ON link (room) WHERE room;

-- Contacts of the cloud's address book that are ours. The cloud keeps no anchor of them.
CREATE TABLE contact (
    anchor   BLOB NOT NULL PRIMARY KEY,
    cloud_id TEXT NOT NULL,
    dn       TEXT NOT NULL,
    record   BLOB NOT NULL,
    applied  TEXT NOT NULL,
    origin   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

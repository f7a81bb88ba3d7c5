-- Who reports to whom, so that a manager whose account changes leads to nobody but those.

-- People by the key of the DN that they name as their manager, whoever stands there.
CREATE TABLE report (
    anchor  BLOB NOT NULL PRIMARY KEY,
    manager BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX report_to ON report (manager);

-- People whose manager has another account than before, or is at another place: to be looked at
-- once more, without their record.
CREATE TABLE report_due (
    anchor BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

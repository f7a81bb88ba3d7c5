-- The alternate addresses that people have in the cloud, so that nobody else is given one of them.
-- Rows written by earlier versions join when they are written next.
CREATE TABLE alias (
    anchor BLOB NOT NULL,
    key    BLOB NOT NULL,
    PRIMARY KEY (anchor, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_key ON alias (key);

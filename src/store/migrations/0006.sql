-- Groups of the directory that become groups of the cloud.

-- The name that a group is to have in the cloud; NULL for one that is not chosen, and '' for a
-- chosen one of which no name can be made.
ALTER TABLE source_group ADD COLUMN cloud_name TEXT;
CREATE INDEX source_group_chosen ON source_group (id) WHERE cloud_name IS NOT NULL;

-- Groups of the cloud that are ours, by the anchor of the group in the directory.
CREATE TABLE cloud_group (
    id         INTEGER PRIMARY KEY,
    anchor     BLOB NOT NULL UNIQUE,
    cloud_id   TEXT NOT NULL,
    name       TEXT NOT NULL,
    dn         TEXT NOT NULL,
    origin     TEXT NOT NULL,
    open       INTEGER NOT NULL,
    left_since INTEGER
) STRICT;

-- Whom we made a member, by the key of the account. Everybody else in a group is not ours.
CREATE TABLE cloud_member (
    cloud_group INTEGER NOT NULL,
    account     BLOB NOT NULL,
    PRIMARY KEY (cloud_group, account)
) STRICT, WITHOUT ROWID;

-- People by the group of which they are members without standing in its list (the primary group
-- of Active Directory), where that leads to a chosen group.
CREATE TABLE primary_member (
    anchor       BLOB NOT NULL PRIMARY KEY,
    source_group BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX primary_member_of ON primary_member (source_group);

-- Names of people who came, left, or have another account or DN since groups were last looked at,
-- and of their primary groups: the groups above them have to be compared again.
CREATE TABLE regroup (
    dn BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

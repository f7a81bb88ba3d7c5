-- The key of the value that identifies a person in all sources, where the rules name one: by it a
-- new record of somebody known is recognised. Without such a rule the column is empty, and so is
-- the index.
ALTER TABLE link ADD COLUMN joined BLOB;
CREATE INDEX link_joined ON link (joined) WHERE joined IS NOT NULL;

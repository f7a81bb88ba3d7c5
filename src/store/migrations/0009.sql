-- Which of the linked are rooms: they share everything with people but the rules. Rows written by
-- earlier versions are people.
ALTER TABLE link ADD COLUMN room INTEGER NOT NULL DEFAULT 0;
CREATE INDEX link_room ON link (room) WHERE room;

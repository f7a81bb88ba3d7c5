-- The records of people as they were read, when the configuration says to keep them: so that a change
-- of the rules is judged without reading the directory again. Packed; see records.rs. The words that
-- the packing refers to are in the document of `meta`.
CREATE TABLE record (
    anchor   BLOB NOT NULL PRIMARY KEY,
    document BLOB NOT NULL
) STRICT, WITHOUT ROWID;

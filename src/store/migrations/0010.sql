-- Why somebody waits for a second look at the manager. 0: another account came to the place that they
-- name, or went, or is expected there. 1: a pass came to its end, and nobody is there. 2: the account
-- was about to be made, and gets its manager once.
ALTER TABLE report_due ADD COLUMN why INTEGER NOT NULL DEFAULT 0;

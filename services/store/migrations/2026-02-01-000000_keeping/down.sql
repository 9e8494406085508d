ALTER TABLE recordings DROP COLUMN link_generation;
ALTER TABLE recordings DROP COLUMN keep_until;

ALTER TABLE recordings DROP COLUMN layout;

-- What of the meeting is in a recording: a word of the protocol's.
ALTER TABLE recordings ADD COLUMN layout TEXT NOT NULL DEFAULT 'beside';

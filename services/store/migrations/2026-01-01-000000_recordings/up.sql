-- The catalogue of recordings. Times are microseconds since 1970, UTC.
CREATE TABLE recordings (
  id TEXT NOT NULL PRIMARY KEY,
  code TEXT NOT NULL,
  title TEXT NOT NULL,
  started BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  state TEXT NOT NULL,
  message TEXT,
  -- Somebody wants it gone; it stays until every region has confirmed that nothing is left.
  deleting BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE INDEX recordings_by_start ON recordings (started);

-- One region's copy of a recording. `place` keeps the regions in the order of the configuration.
CREATE TABLE copies (
  recording TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
  region TEXT NOT NULL,
  place INTEGER NOT NULL,
  state TEXT NOT NULL,
  bytes BIGINT NOT NULL,
  sha256 TEXT,
  PRIMARY KEY (recording, region)
);

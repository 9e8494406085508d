-- A code that was used rests before another meeting gets it, so that a late guest does not end up among strangers.
CREATE TABLE resting_codes (
  code TEXT NOT NULL PRIMARY KEY,
  -- Microseconds since 1970, UTC.
  until BIGINT NOT NULL
);

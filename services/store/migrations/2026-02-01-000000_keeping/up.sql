-- When a recording is to be deleted by itself, in microseconds since 1970, UTC; never without.
ALTER TABLE recordings ADD COLUMN keep_until BIGINT;

-- Links to a recording name the generation they were given out in; those of an earlier one lead nowhere.
ALTER TABLE recordings ADD COLUMN link_generation INTEGER NOT NULL DEFAULT 0;

DROP TABLE copies;
DROP TABLE recordings;

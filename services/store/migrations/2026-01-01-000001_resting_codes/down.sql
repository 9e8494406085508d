DROP TABLE resting_codes;

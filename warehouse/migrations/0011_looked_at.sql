-- A file whose time of change is another and whose content is not: the time is kept, so that it is looked into once only.

ALTER TABLE landing.loads ADD COLUMN looked_at TIMESTAMP;  -- when modified_ns was seen last; null: when it was received

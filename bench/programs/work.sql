-- What a database in memory does: fill, index, join, group, replace, delete. The parameter :rows says how much.
-- Prints counts and sums, which are the same on every allocator.
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL);
CREATE TABLE booking (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, amount INTEGER NOT NULL, note TEXT);

BEGIN;
INSERT INTO customer
  WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :rows / 10)
  SELECT i, 'customer ' || (i * 7919 % 100003), 'city ' || (i * 31 % 211) FROM number;
INSERT INTO booking
  WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :rows)
  SELECT i, 1 + i * 104729 % (:rows / 10), i * 7919 % 2003 - 1000,
         substr('a note that is now and then long, now and then short', 1, i % 53)
  FROM number;
COMMIT;
CREATE INDEX booking_customer ON booking (customer, amount);
CREATE INDEX booking_note ON booking (note, id);
CREATE INDEX customer_name ON customer (name);

SELECT count(*), sum(amount), sum(length(note)) FROM booking;
SELECT count(*), sum(total) FROM
  (SELECT city, sum(amount) AS total FROM booking JOIN customer ON customer.id = customer GROUP BY city, note);
SELECT sum(length(names)) FROM (SELECT group_concat(name, '; ') AS names FROM customer GROUP BY city);
SELECT count(*) FROM
  (SELECT DISTINCT upper(name) || note AS line FROM booking JOIN customer ON customer.id = customer ORDER BY line DESC);
SELECT count(*), sum(json_extract(line, '$.amount')) FROM
  (SELECT json_object('id', id, 'amount', amount, 'note', note) AS line FROM booking WHERE id % 4 = 0);

BEGIN;
UPDATE booking SET note = note || ' (changed)' WHERE id % 3 = 0;
DELETE FROM booking WHERE id % 5 = 1;
INSERT INTO booking SELECT id + :rows, customer, -amount, note || ' (copy)' FROM booking WHERE id % 7 = 2;
COMMIT;
SELECT count(*), sum(amount), sum(length(note)) FROM booking;
PRAGMA integrity_check;

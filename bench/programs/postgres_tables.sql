-- The tables that postgres_transaction.sql works on.
CREATE TABLE account
  (id integer PRIMARY KEY, name text NOT NULL, city text NOT NULL, balance integer NOT NULL, data jsonb NOT NULL);
INSERT INTO account
  SELECT i, 'customer ' || i * 7919 % 100003, 'city ' || i * 31 % 97, 0,
         jsonb_build_object('tags', jsonb_build_array(i % 7, i % 11, 'tag ' || i % 13), 'note', repeat('x', i % 60))
  FROM generate_series(1, 10000) AS i;
CREATE INDEX account_city ON account (city, name);
CREATE TABLE booking (account integer NOT NULL, delta integer NOT NULL, note text NOT NULL);
VACUUM ANALYZE account;

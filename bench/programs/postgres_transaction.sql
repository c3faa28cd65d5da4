-- What one client wants: a change, and three questions that sort, group and build text.
\set account random(1, 9000)
\set delta random(-500, 500)
BEGIN;
UPDATE account SET balance = balance + :delta WHERE id = :account;
INSERT INTO booking VALUES (:account, :delta, 'note ' || :delta);
END;
SELECT city, count(*), max(length(data ->> 'note')), string_agg(name, ', ' ORDER BY name)
  FROM account WHERE id BETWEEN :account AND :account + 800 GROUP BY city ORDER BY count(*) DESC, city;
SELECT jsonb_agg(jsonb_build_object('name', name, 'city', city, 'tags', data -> 'tags'))
  FROM account WHERE id BETWEEN :account AND :account + 200;
SELECT a.city, count(DISTINCT b.name), array_agg(DISTINCT upper(b.city))
  FROM account a JOIN account b ON b.city = a.city WHERE a.id BETWEEN :account AND :account + 20 GROUP BY a.city;

-- What a database does to malloc; prints only what every run must print alike.
pragma threads = 2;
create table item (id integer primary key, name text, weight real, note text);
with recursive number(n) as (select 1 union all select n + 1 from number where n < 40000)
insert into item select n, 'name' || (n * 7919 % 10007), n / 3.0, substr(hex(zeroblob(n % 300)), 1, n % 400) from number;
create index item_by_name on item (name, weight);
select count(*), count(distinct name), round(sum(weight), 3), sum(length(note)) from item;
select name, count(*) as uses, round(max(weight), 2) from item group by name order by uses desc, name limit 10;
select sum(a.id * b.id % 97) from item a join item b on a.name = b.name and a.id < b.id;
select group_concat(name, ';') from (select name from item order by note desc, id desc limit 200);
with document(body) as (select json_group_array(json_object('id', id, 'name', name)) from item where id <= 5000)
select sum(json_extract(element.value, '$.id')), count(*) from document, json_each(document.body) as element;
create virtual table word using fts5(body);
insert into word select name || ' ' || (id % 37) || ' ' || (id % 11) from item where id <= 10000;
select count(*) from word where word match '"name5" OR 36';
begin;
update item set note = note || note where id % 5 = 0;
delete from item where id % 3 = 0;
rollback;
delete from item where id % 7 = 0;
vacuum;
pragma integrity_check;
select count(*), sum(length(note)) from item;

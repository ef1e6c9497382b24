-- What stays of forgotten people lies under keyed ids from now on, and the key in a file of its own.
-- key_check: a hash of the key; unkeyed: people were forgotten before, and have no keyed ids yet.
insert into metadata (name, value)
select 'unkeyed', 1 where exists (select 1 from conversations where theirs = '');

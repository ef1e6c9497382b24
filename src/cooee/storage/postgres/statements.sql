-- Every statement of the PostgreSQL store: constants, each prepared once for a connection.
-- `Status.QUEUED` and its like are the numbers of the enums, which `sql_file` puts in.
-- A statement takes a whole batch, as arrays. What locks rows says `order by` in the same statement
-- (storage rule 2), and reads other tables with the snapshot from before it waited (storage rule 21).

-- The workers

-- name: join_workers
insert into workers (id, name, code_version, began_at, alive_until)
values (nextval('worker_ids'), $1::text, $3::text, coalesce($4::timestamptz, clock_timestamp()),
        clock_timestamp() + $2::interval)
returning id, (extract(epoch from clock_timestamp()) * 1000)::bigint, began_at

-- name: beat
update workers set alive_until = clock_timestamp() + $2::interval where id = $1::integer
returning id, (extract(epoch from clock_timestamp()) * 1000)::bigint

-- name: leave_workers
delete from workers where id = $1::integer

-- Nobody is dead who had no time to come back to a server that has just started.
-- name: bury_workers
delete from workers where id in (
  select id from workers
   where alive_until < clock_timestamp()
     and pg_postmaster_start_time() + $1::interval < clock_timestamp()
   order by id for update skip locked)
returning id

-- Leased conversations have a text due, or name their worker: each is found by an index.
-- storage rule 2: the conversations of the attempts under way are locked before those are doubted.
-- storage rule 5: what a dead worker had leased may have killed it.
-- name: free_conversations_of
with held as materialized (
  select id from conversations where id in (
    select id from conversations
     where due_at is not null and lease >> 32 = any ($1::integer[])
    union all
    select id from conversations where timer_worker = any ($1::integer[])
    union all
    select conversation from outbound where status = Status.SENDING and sender = any ($1::integer[]))
  order by id for no key update
)
update conversations c set
  lease = null, timer_worker = null,
  suspect_seq = case when $2::boolean then c.last_in_seq else c.suspect_seq end,
  failed_attempts = case when not $2::boolean and c.suspect_seq is not null and c.failed_attempts > 0
                         then c.failed_attempts - 1 else c.failed_attempts end
  from held where c.id = held.id and c.lease >> 32 = any ($1::integer[])

-- name: free_roles_of
delete from number_roles where worker = any ($1::integer[])

-- name: add_interrupted_receipts
insert into receipts (conversation, seq, reported_at, status, provider_status)
select conversation, seq, $2::bigint, Status.UNKNOWN,
       'attempt ' || attempts || ': no end known, the process ended'
  from outbound where status = Status.SENDING and sender = any ($1::integer[])

-- name: mark_interrupted_unknown
update outbound set status = Status.UNKNOWN, due_at = $2::bigint, sender = null
 where status = Status.SENDING and sender = any ($1::integer[])

-- name: count_unclean_exit
insert into metadata (name, value) values ('unclean_exits', $1::bigint)
on conflict (name) do update set value = metadata.value + excluded.value

-- Who waits for a role asks each second, and writes nothing: so it looks before it inserts.
-- name: hold_role
insert into number_roles (ours, role, worker, until)
select $1::text, $2::text, w.id, clock_timestamp() + $4::interval
  from workers w
 where w.id = $3::integer and not exists (
   select 1 from number_roles r
    where r.ours = $1::text and r.role = $2::text
      and r.worker <> $3::integer and r.until >= clock_timestamp()) for key share of w
on conflict (ours, role) do update set worker = excluded.worker, until = excluded.until
 where number_roles.worker = excluded.worker or number_roles.until < clock_timestamp()
returning worker

-- name: release_role
delete from number_roles where ours = $1::text and role = $2::text and worker = $3::integer

-- A verb that wrote nothing leaves no mark.
-- name: mark_commit
insert into commit_marks as m (connection, mark, marked_at)
select $1::bigint, $2::bigint, now() where pg_current_xact_id_if_assigned() is not null
on conflict (connection) do update set mark = excluded.mark, marked_at = excluded.marked_at

-- storage rule 22: a row that is not committed is seen by nobody, but whoever inserts it again waits
-- for the end of the transaction that is cut off and still there. This one is rolled back.
-- name: find_commit_mark
insert into commit_marks as m (connection, mark, marked_at) values ($1::bigint, -1, now())
on conflict (connection) do update set marked_at = m.marked_at
returning mark

-- name: remove_old_commit_marks
delete from commit_marks where marked_at < now() - interval '1 day'

-- name: note_code_version
update workers set code_version = $2::text where id = $1::integer and code_version <> $2::text

-- name: newer_versions
select code_version from workers
 where code_version <> '' and alive_until > clock_timestamp()
 group by code_version
having min(began_at) > (
  select min(began_at) from workers where code_version = $1::text and alive_until > clock_timestamp())
 order by min(began_at)

-- Inbound texts

-- storage rule 4: a text is new only if its key is. Keys, then conversations by id, then the rest.
-- Of the texts of one conversation each gets its place behind the last text in. An opt-out ($14)
-- has no turn: where no text waits before it, it is handled at once.
-- storage rule 16: a text knows whether its sender had opted out when it came; $15 if it lifts that.
-- name: receive_texts
with came as (
  select * from unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::text[],
                       $7::text[], $8::bytea[], $9::bigint[], $10::bigint[], $11::bytea[])
    with ordinality t(conversation, ours, theirs, key, id, provider_id, text, raw, sent_at,
                      received_at, media, nth)
), fresh as (
  insert into dedupe_keys (conversation, key, received_at)
  select conversation, key, received_at from came where not $13::boolean order by conversation, key
  on conflict do nothing
  returning conversation, key
), kept as (
  select c.*, row_number() over (partition by c.conversation order by c.nth) as place,
         count(*) over (partition by c.conversation) as many
    from came c
   where $13::boolean or (c.conversation, c.key) in (select conversation, key from fresh)
), placed as (
  insert into conversations as c (id, ours, theirs, last_in_seq, handled_seq, last_text_at, due_at,
                                  opted_out)
  select conversation, min(ours), min(theirs), count(*), case when $14::boolean then 1 else 0 end,
         max(received_at), case when not $14::boolean then $12::bigint end,
         (select true from opt_outs x where x.conversation = kept.conversation and x.lifted_at is null
           limit 1) is true
    from kept group by conversation order by conversation
  on conflict (id) do update set
    handled_seq = case when $14::boolean and c.handled_seq = c.last_in_seq then c.last_in_seq + 1
                       else c.handled_seq end,
    last_in_seq = c.last_in_seq + excluded.last_in_seq,
    last_text_at = excluded.last_text_at,
    due_at = case when $14::boolean then c.due_at
                  when c.due_at is null then excluded.due_at
                  when c.failed_attempts > 0 then c.due_at
                  else least(c.due_at, excluded.due_at) end,
    failed_attempts = case when c.due_at is null and not $14::boolean then 0
                           else c.failed_attempts end
  returning id, last_in_seq, opted_out
)
insert into inbound (conversation, seq, id, provider_id, text, raw, sent_at, received_at, media, consent,
                     status)
select k.conversation, p.last_in_seq - k.many + k.place, k.id, k.provider_id, k.text, k.raw, k.sent_at,
       k.received_at, k.media, greatest($15::smallint, case when p.opted_out then 1 else 0 end),
       case when $14::boolean then InboundStatus.OPT_OUT else InboundStatus.PENDING end
  from kept k join placed p on p.id = k.conversation
returning id, conversation, seq

-- What need not be told apart takes one statement; the rest begins with these two, so that the
-- order of the locks is the same.
-- name: add_dedupe_key
insert into dedupe_keys (conversation, key, received_at)
select * from unnest($1::bytea[], $2::bytea[], $3::bigint[]) t(conversation, key, received_at)
 order by conversation, key
on conflict do nothing
returning conversation, key

-- name: add_or_lock_conversations
insert into conversations as c (id, ours, theirs, opted_out)
select t.id, t.ours, t.theirs,
       (select true from opt_outs x where x.conversation = t.id and x.lifted_at is null limit 1) is true
  from unnest($1::bytea[], $2::text[], $3::text[]) t(id, ours, theirs) order by t.id
on conflict (id) do update set ours = c.ours
returning id, last_in_seq

-- name: open_question
select is_asking, offered_words from conversations where id = $1::bytea

-- A first text of a person who was forgotten: all is as before its transaction.
-- name: undo_first_texts
with texts as (
  delete from inbound where conversation = any ($1::bytea[])
), keys as (
  delete from dedupe_keys where conversation = any ($1::bytea[])
)
delete from conversations where id = any ($1::bytea[])

-- name: remove_dedupe_key
delete from dedupe_keys
 where (conversation, key) in (select * from unnest($1::bytea[], $2::bytea[]))

-- Turns

-- Each conversation gets a lease of its own, of the numbers behind $2.
-- storage rule 20: no claim is made for a worker that was buried.
-- storage rule 5: where a suspect is due, nothing else is claimed.
-- name: claim_due
with mine as materialized (
  select id, code_version from workers where id = $1::integer for key share
), due as materialized (
  select c.id from conversations c
   where c.due_at <= $3::bigint and c.suspect_seq is null and c.lease is null
     and exists (select 1 from mine)
     and (c.reserved_for is null or c.reserved_for = (select code_version from mine)
          or not exists (select 1 from workers w
                          where w.code_version = c.reserved_for and w.alive_until > clock_timestamp()))
     and not exists (
       select 1 from conversations s
        where s.suspect_seq is not null and s.lease is null
          and coalesce(s.due_at, s.timer_at) <= $3::bigint and ($5::boolean or s.due_at is not null))
   order by c.due_at limit $4::integer for no key update of c skip locked
), numbered as (
  select id, row_number() over () as place from due
)
update conversations c set lease = $2::bigint + n.place from numbered n where c.id = n.id
returning c.id, c.lease, c.ours, c.theirs, c.failed_attempts, c.last_turn_at, c.handled_seq, c.due_at

-- name: claim_timers
with mine as materialized (
  select id, code_version from workers where id = $1::integer for key share
), due as materialized (
  select c.id from conversations c
   where c.timer_at <= $3::bigint and c.due_at is null and c.suspect_seq is null and c.lease is null
     and exists (select 1 from mine)
     and (c.reserved_for is null or c.reserved_for = (select code_version from mine)
          or not exists (select 1 from workers w
                          where w.code_version = c.reserved_for and w.alive_until > clock_timestamp()))
     and not exists (
       select 1 from conversations s
        where s.suspect_seq is not null and s.lease is null
          and coalesce(s.due_at, s.timer_at) <= $3::bigint)
   order by c.timer_at limit $4::integer for no key update of c skip locked
), numbered as (
  select id, row_number() over () as place from due
)
update conversations c set lease = $2::bigint + n.place, timer_worker = $1::integer
  from numbered n where c.id = n.id
returning c.id, c.lease, c.ours, c.theirs, c.failed_attempts, c.last_turn_at, c.handled_seq, c.timer_at

-- name: claim_suspect
with mine as materialized (
  select id from workers where id = $1::integer for key share
), due as materialized (
  select c.id from conversations c
   where c.suspect_seq is not null and coalesce(c.due_at, c.timer_at) <= $3::bigint
     and ($4::boolean or c.due_at is not null) and c.lease is null and exists (select 1 from mine)
     and not exists (
       select 1 from conversations l where l.due_at is not null and l.lease >> 32 = $1::integer)
     and not exists (select 1 from conversations l where l.timer_worker = $1::integer)
   order by coalesce(c.due_at, c.timer_at) limit 1 for no key update of c skip locked
)
update conversations c set
  lease = $2::bigint + 1, failed_attempts = c.failed_attempts + 1,
  timer_worker = case when c.due_at is null then $1::integer end
  from due where c.id = due.id
returning c.id, c.lease, c.ours, c.theirs, c.failed_attempts - 1, c.last_turn_at, c.handled_seq, 0

-- The conversations of texts that this transaction has just stored, whose locks it has; of each
-- call of the verb as many as it asked for.
-- name: claim_received
with mine as materialized (
  select id, code_version from workers where id = $1::integer for key share
), free as (
  select c.id, t.place, t.most, row_number() over (partition by t.call order by t.place) as rank
    from unnest($4::bytea[], $5::integer[], $6::integer[]) with ordinality t(id, call, most, place)
    join conversations c on c.id = t.id
   where c.due_at <= $3::bigint and c.suspect_seq is null and c.lease is null
     and exists (select 1 from mine)
     and (c.reserved_for is null or c.reserved_for = (select code_version from mine)
          or not exists (select 1 from workers w
                          where w.code_version = c.reserved_for and w.alive_until > clock_timestamp()))
     and not exists (
       select 1 from conversations s
        where s.suspect_seq is not null and s.lease is null
          and coalesce(s.due_at, s.timer_at) <= $3::bigint)
)
update conversations c set lease = $2::bigint + n.place from free n
 where c.id = n.id and n.rank <= n.most
returning c.id, c.lease, c.ours, c.theirs, c.failed_attempts, c.last_turn_at, c.handled_seq, n.place

-- name: claim_waiting
with mine as materialized (
  select id from workers where id = $1::integer for key share
), page as (
  select distinct d.conversation as id
    from dialogues d join conversations o on o.id = d.conversation
   where d.ended_at is null and d.conversation > $3::bytea
     and o.due_at is null and o.suspect_seq is null and o.lease is null
   order by d.conversation limit $4::integer
), waiting as materialized (
  select c.id from conversations c join page on page.id = c.id
   where c.due_at is null and c.suspect_seq is null and c.lease is null and exists (select 1 from mine)
   order by c.id for no key update of c skip locked
), numbered as (
  select id, row_number() over () as place from waiting
)
update conversations c set lease = $2::bigint + n.place, timer_worker = $1::integer
  from numbered n where c.id = n.id
returning c.id, c.lease, c.ours, c.theirs, c.failed_attempts, c.last_turn_at, c.handled_seq, 0

-- storage rule 5: a suspect waits for the end of what its next worker has leased.
-- name: is_suspect_waiting
select exists (
  select 1 from conversations
   where suspect_seq is not null and lease is null
     and coalesce(due_at, timer_at) <= $2::bigint and ($3::boolean or due_at is not null))
  and (exists (
         select 1 from conversations where due_at is not null and lease >> 32 = $1::integer)
       or exists (select 1 from conversations where timer_worker = $1::integer))

-- Read with a snapshot that is younger than the lease: so no claim is empty (storage rule 21).
-- name: claimed_texts
select c.id, s.state,
       (select true from dialogues d where d.conversation = c.id and d.ended_at is null
         order by d.id limit 1) is true,
       i.seq, i.id, i.provider_id, i.text, i.raw, i.sent_at, i.received_at, i.status, i.media, i.consent
  from unnest($1::bytea[], $2::bigint[]) with ordinality c(id, handled_seq, nth)
  left join lateral (
    select * from inbound i
     where i.conversation = c.id and i.seq > c.handled_seq and i.seq <= c.handled_seq + $3::integer
     order by i.seq) i on true
  left join states s on s.conversation = c.id and (i.seq is null or i.seq = c.handled_seq + 1)
 order by c.nth, i.seq

-- storage rule 3: a turn that lost its lease writes nothing.
-- Drafts whose key is stored are left out, and those that are left get their numbers in order.
-- storage rule 19: the first attempts of replies that are due are recorded with them, as many as
-- the turn takes, where the conversation has no other text that may be open. `is_alone` reads
-- `outbound` as it was before the lock, so it holds only where the last text was there by then.
-- law 10: the ledger is asked as well, since the provider may list a person whose first text, and
-- with it the row, is not committed yet.
-- name: finish_claim
with turn as (
  select * from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[],
                       $6::bigint[], $7::boolean[], $8::text[], $21::integer[])
    t(id, lease, handled_seq, last_turn_at, failed_attempts, retry_at, is_asking, offered_words,
      take_limit)
), held as materialized (
  select c.id from conversations c join turn t on t.id = c.id and t.lease = c.lease
   order by c.id for no key update of c
), draft as materialized (
  select d.*, row_number() over (partition by d.conversation order by d.nth) as place,
         count(*) over (partition by d.conversation) as many,
         row_number() over (partition by d.conversation, d.is_due order by d.nth) as due_place
    from (select *, priority = Priority.REPLY and due_at <= $20::bigint
                    and (good_until is null or good_until > $20::bigint) as is_due
            from unnest($11::bytea[], $12::bigint[], $13::text[], $14::text[], $15::smallint[],
                $16::bigint[], $17::bigint[], $18::text[], $19::boolean[])
      with ordinality n(conversation, last_in_seq, text, media, priority, due_at, good_until, key,
                        cancelled, nth)) d
   where d.key is null
      or (select true from outbound o where o.conversation = d.conversation and o.key = d.key limit 1)
         is null
), ended as (
  update conversations c set
    handled_seq = greatest(c.handled_seq, t.handled_seq),
    last_turn_at = greatest(c.last_turn_at, t.last_turn_at),
    last_out_seq = c.last_out_seq + coalesce(n.many, 0),
    last_text_at = case when n.many > 0 then $20::bigint else c.last_text_at end,
    failed_attempts = t.failed_attempts,
    due_at = case when t.retry_at is not null then t.retry_at
                  when c.last_in_seq > t.handled_seq then c.due_at end,
    suspect_seq = case when c.suspect_seq > t.handled_seq then c.suspect_seq end,
    is_asking = coalesce(t.is_asking, c.is_asking),
    offered_words = coalesce(t.offered_words, c.offered_words),
    lease = null, timer_worker = null, reserved_for = null
    from held h
    join turn t on t.id = h.id
    left join (select distinct conversation, many from draft) n on n.conversation = h.id
   where c.id = h.id and c.lease = t.lease
  returning c.id, t.lease, c.ours, c.theirs, t.take_limit, c.due_at is not null as has_pending,
            c.opted_out or (
              select true from opt_outs x where x.conversation = c.id and x.lifted_at is null
               limit 1) is true as opted_out,
            c.last_out_seq - coalesce(n.many, 0) as last_out_seq
), alone as (
  select e.id from ended e
   where e.take_limit > 0
     and (e.last_out_seq = 0 or (
       select true from outbound o where o.conversation = e.id and o.seq = e.last_out_seq limit 1))
     and (
       select true from outbound o
        where o.conversation = e.id and o.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
        limit 1) is null
), saved as (
  insert into states (conversation, state)
  select s.conversation, s.state from unnest($9::bytea[], $10::bytea[]) s(conversation, state)
    join ended e on e.id = s.conversation
  on conflict (conversation) do update set state = excluded.state
), said as (
  insert into outbound (conversation, seq, last_in_seq, ours, theirs, text, media, priority, queued_at,
                        due_at, good_until, key, status, error, attempts, attempted_at, sender)
  select e.id, e.last_out_seq + d.place, d.last_in_seq, e.ours, e.theirs, d.text, d.media, d.priority,
         $20::bigint, d.due_at, d.good_until, d.key,
         case when e.opted_out or d.cancelled then Status.CANCELLED
              when taken then Status.SENDING else Status.QUEUED end,
         case when e.opted_out or d.cancelled then 'opted out' else '' end,
         case when taken then 1 else 0 end, case when taken then $20::bigint end,
         case when taken then $22::integer end
    from (select d.*, d.is_due and d.due_place <= e.take_limit and a.id is not null
                      and not e.opted_out and not d.cancelled as taken
            from draft d join ended e on e.id = d.conversation left join alone a on a.id = e.id) d
    join ended e on e.id = d.conversation
  returning conversation, seq, theirs, text, media, good_until, queued_at, provider_id, attempts,
            attempted_at, priority, status
)
select e.id, e.lease, e.has_pending, a.id is not null or e.take_limit = 0, s.conversation, s.seq,
       s.theirs, s.text, s.media, s.good_until, s.queued_at, s.provider_id, s.attempts,
       s.attempted_at, s.priority
  from ended e
  left join alone a on a.id = e.id
  left join said s on s.conversation = e.id and s.status = Status.SENDING
 order by e.id, s.seq

-- The turns that need more than one statement lock their conversations first.
-- name: lock_leases
select c.id, c.lease from conversations c
  join unnest($1::bytea[], $2::bigint[]) t(id, lease) on t.id = c.id and t.lease = c.lease
 order by c.id for no key update of c

-- name: fail_text
update inbound i set status = f.status, error = f.error, code_version = f.code_version
  from unnest($1::bytea[], $2::bigint[], $3::smallint[], $4::text[], $5::text[])
       f(conversation, seq, status, error, code_version)
 where i.conversation = f.conversation and i.seq = f.seq

-- delivery rule 25: a text in an attempt may be out, so it is let expire should it be queued again.
-- name: withdraw_text
with open_text as materialized (
  select o.conversation, o.seq from outbound o
   where (o.conversation, o.seq) in (
     select w.conversation, w.seq from unnest($1::bytea[], $2::bigint[]) w(conversation, seq)
     union all
     select p.conversation, p.seq
       from unnest($1::bytea[], $3::text[]) w(conversation, key)
       join outbound p on p.conversation = w.conversation and p.key = w.key)
     and o.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
   order by o.conversation, o.seq for no key update
)
update outbound o set
  status = case o.status when Status.QUEUED then Status.CANCELLED else o.status end,
  error = case o.status when Status.QUEUED then 'no longer asked' else o.error end,
  good_until = case o.status when Status.QUEUED then o.good_until else $4::bigint end
  from open_text w
 where o.conversation = w.conversation and o.seq = w.seq
   and o.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)

-- name: hurry_texts
with hurried as materialized (
  select o.conversation, o.seq from outbound o
   where o.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
     and o.status = Status.QUEUED and o.priority = Priority.PROACTIVE and o.attempts = 0
     and o.key is not null and o.conversation = any ($1::bytea[])
     and (o.conversation, o.queued_at, o.last_in_seq) in (
       select p.conversation, p.queued_at, p.last_in_seq
         from unnest($1::bytea[], $2::text[]) h(conversation, key)
         join outbound p on p.conversation = h.conversation and p.key = h.key
        where p.status = Status.QUEUED)
   order by o.conversation, o.seq for no key update
)
update outbound o set priority = Priority.REPLY, due_at = least(o.due_at, $3::bigint)
  from hurried h
 where o.conversation = h.conversation and o.seq = h.seq and o.status = Status.QUEUED

-- The attempt of a suspect that had no turn does not count.
-- $3: the code version whose processes are to claim the conversations; null: any.
-- name: release_claims
with held as materialized (
  select c.id from conversations c
    join unnest($1::bytea[], $2::bigint[]) t(id, lease) on t.id = c.id and t.lease = c.lease
   order by c.id for no key update of c
)
update conversations c set
  lease = null, timer_worker = null, reserved_for = $3::text,
  failed_attempts = case when c.suspect_seq is not null and c.failed_attempts > 0
                         then c.failed_attempts - 1 else c.failed_attempts end
  from held where c.id = held.id
returning c.id

-- name: postpone_text
update conversations set due_at = $2::bigint where id = any ($1::bytea[]) and due_at is not null

-- name: postpone_dialogues
update dialogues d set due_at = $2::bigint
  from unnest($1::bytea[]) c(id)
 cross join lateral (
   select id from dialogues
    where conversation = c.id and ended_at is null and due_at < $2::bigint order by id offset 0) p
 where d.conversation = c.id and d.id = p.id

-- The caller has locked the conversations.
-- name: set_timer
update conversations c set timer_at = (
  select min(d.due_at)
    from (select due_at from dialogues where conversation = c.id and ended_at is null
           order by id offset 0) d)
 where c.id = any ($1::bytea[])

-- Time

-- What is reserved for another code version is left out, while a process of it lives.
-- name: next_text_due
select c.due_at from conversations c
 where c.due_at is not null and c.lease is null
   and (c.reserved_for is null
        or c.reserved_for = (select code_version from workers where id = $1::integer)
        or not exists (select 1 from workers w
                        where w.code_version = c.reserved_for and w.alive_until > clock_timestamp()))
 order by c.due_at limit 1

-- name: next_timer_due
select c.timer_at from conversations c
 where c.timer_at is not null and c.due_at is null and c.lease is null
   and (c.reserved_for is null
        or c.reserved_for = (select code_version from workers where id = $1::integer)
        or not exists (select 1 from workers w
                        where w.code_version = c.reserved_for and w.alive_until > clock_timestamp()))
 order by c.timer_at limit 1

-- name: next_send_due
select min(due.due_at) from unnest($2::text[]) n(ours)
 cross join lateral (
   select coalesce(
     (select o.due_at from outbound o
       where o.status = Status.QUEUED and o.ours = n.ours and o.priority = lane.priority
         and o.due_at <= $1::bigint and (o.good_until is null or o.good_until > $1::bigint)
         and (
           select true from outbound p
            where p.conversation = o.conversation and p.seq < o.seq
               and p.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
              and p.priority <= o.priority
              and case p.status when Status.QUEUED then (p.due_at <= $1::bigint or p.attempts > 0)
                                  and (p.good_until is null or p.good_until > $1::bigint)
                                when Status.SENDING then true
                                else p.due_at <= $1::bigint + 60000 end
            limit 1) is null
         and (
           select true from opt_outs x where x.conversation = o.conversation and x.lifted_at is null
            limit 1) is null
       order by o.due_at limit 1),
     (select min(o.due_at) from outbound o
       where o.status = Status.QUEUED and o.ours = n.ours and o.priority = lane.priority
          and o.due_at > $1::bigint)) as due_at
     from unnest(array[Priority.REPLY, Priority.PROACTIVE, Priority.BULK]) lane(priority)
   union all
   select min(o.good_until) from outbound o
    where o.status = Status.QUEUED and o.good_until is not null and o.ours = n.ours) due

-- name: next_lookup_due
select min(due.due_at) from unnest($1::text[]) n(ours)
 cross join lateral (
   select o.due_at from outbound o
    where o.status = Status.UNKNOWN and o.ours = n.ours and o.due_at is not null
    order by o.due_at limit 1) due

-- name: next_status_check_due
select min(due.due_at) from unnest($1::text[]) n(ours)
 cross join lateral (
   select o.due_at from outbound o
    where o.status in (Status.ACCEPTED, Status.SENT) and o.ours = n.ours and o.due_at is not null
    order by o.due_at limit 1) due

-- Dialogues. A dialogue is set aside when its last turn failed and only an operator, or another
-- code version, starts the next one.

-- replay rule 16: a claim learns from the outbox what has become of each open question.
-- name: open_dialogues_of
select d.conversation, d.id, d.handler, d.head, d.due_at, d.failed_attempts, d.error, d.end_reason,
       o.seq, o.status, o.accepted_at,
       case when o.status <= Status.UNKNOWN then o.text end,
       case when o.status = Status.QUEUED then o.due_at end,
       case when o.status in (Status.SENDING, Status.UNKNOWN) then o.attempted_at end
  from unnest($1::bytea[]) c(id)
 cross join lateral (
   select * from dialogues where conversation = c.id and ended_at is null order by id offset 0) d
  left join outbound o
         on o.conversation = d.conversation and o.key = d.question_key and o.key is not null
 order by d.conversation, d.id

-- name: open_entries_of
select j.conversation, j.dialogue_id, j.entry
  from unnest($1::bytea[]) c(id)
 cross join lateral (
   select id from dialogues where conversation = c.id and ended_at is null order by id offset 0) d
 cross join lateral (
   select * from journal_entries where conversation = c.id and dialogue_id = d.id
    order by position offset 0) j
 order by j.conversation, j.dialogue_id, j.position

-- name: insert_dialogue
insert into dialogues (conversation, id, handler, head, due_at, started_at, ended_at, end_reason,
                       question_key)
select u.conversation, u.id, u.handler, u.head, u.due_at, $8::bigint,
       case u.end_reason when '' then null else $8::bigint end, u.end_reason, u.question_key
  from unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::text[], $7::text[])
         u(conversation, id, handler, head, due_at, end_reason, question_key)
on conflict (conversation, id) do nothing
returning conversation, id

-- name: save_dialogue
insert into dialogues (conversation, id, handler, head, due_at, started_at, ended_at, end_reason,
                       question_key)
select u.conversation, u.id, u.handler, u.head, u.due_at, $8::bigint,
       case u.end_reason when '' then null else $8::bigint end, u.end_reason, u.question_key
  from unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::text[], $7::text[])
         u(conversation, id, handler, head, due_at, end_reason, question_key)
on conflict (conversation, id) do update set
  handler = excluded.handler, head = excluded.head, due_at = excluded.due_at,
  question_key = excluded.question_key,
  failed_attempts = 0, error = '', code_version = '',
  ended_at = excluded.ended_at, end_reason = excluded.end_reason

-- Of a dialogue without a new head, and before the first new entry, something has to be stored.
-- name: find_gaps
select u.dialogue_id, u.position
  from unnest($1::bytea[], $2::text[], $3::integer[]) u(conversation, dialogue_id, position)
 where case when u.position < 0
            then (select true from dialogues d
                   where d.conversation = u.conversation and d.id = u.dialogue_id limit 1) is null
            else (select true from journal_entries j
                   where j.conversation = u.conversation
                     and j.dialogue_id = u.dialogue_id and j.position = u.position limit 1) is null end

-- The snapshot is from before the entries were added: what it finds at their places was there.
-- name: add_entry
with added as (
  insert into journal_entries (conversation, dialogue_id, position, entry)
  select * from unnest($1::bytea[], $2::text[], $3::integer[], $4::bytea[])
  on conflict (conversation, dialogue_id, position) do nothing
)
select u.dialogue_id, u.position
  from unnest($1::bytea[], $2::text[], $3::integer[], $4::bytea[]) u(conversation, dialogue_id, position, entry)
  join journal_entries j using (conversation, dialogue_id, position)
 where j.entry <> u.entry

-- name: fail_dialogue
update dialogues d set failed_attempts = d.failed_attempts + 1, error = u.error, due_at = u.due_at,
       code_version = u.code_version
  from unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::text[])
         u(conversation, id, error, due_at, code_version)
 where d.conversation = u.conversation and d.id = u.id

-- A row that was there already is locked and stays as it is (storage rule 2).
-- name: add_conversation
insert into conversations as c (id, ours, theirs, opted_out)
select u.id, u.ours, u.theirs,
       (select true from opt_outs x where x.conversation = u.id and x.lifted_at is null limit 1) is true
  from unnest($1::bytea[], $2::text[], $3::text[]) u(id, ours, theirs) order by u.id
on conflict (id) do update set ours = c.ours where false
returning id

-- storage rule 18: a step of the index for each handler.
-- name: count_open_dialogues
with recursive handlers (name) as (
  select min(handler) from dialogues where ended_at is null
  union all
  select (select min(d.handler) from dialogues d where d.ended_at is null and d.handler > h.name)
    from handlers h where h.name is not null
)
select h.name, (select count(*) from (
         select 1 from dialogues d where d.ended_at is null and d.handler = h.name limit $1::bigint) n)
  from handlers h where h.name is not null

-- name: list_open_dialogues
with page as materialized (
  select d.* from dialogues d
   where (d.conversation, d.id) > ($1::bytea, $2::text) and d.ended_at is null
     and ($3::text = '' or d.handler = $3::text)
   order by d.conversation, d.id limit $4::integer
)
select d.conversation, c.ours, c.theirs, s.state, d.started_at, d.ended_at,
       d.id, d.handler, d.head, d.due_at, d.failed_attempts, d.error, d.end_reason
  from page d
  join conversations c on c.id = d.conversation
  left join states s on s.conversation = d.conversation
 order by d.conversation, d.id

-- name: list_dialogues
with page as materialized (
  select d.* from dialogues d
   where (d.conversation, d.id) > ($1::bytea, $2::text) and d.end_reason <> 'pruned'
     and ($3::text = '' or d.handler = $3::text)
   order by d.conversation, d.id limit $4::integer
)
select d.conversation, c.ours, c.theirs, s.state, d.started_at, d.ended_at,
       d.id, d.handler, d.head, d.due_at, d.failed_attempts, d.error, d.end_reason
  from page d
  join conversations c on c.id = d.conversation
  left join states s on s.conversation = d.conversation
 order by d.conversation, d.id

-- name: list_dialogue_entries
select j.conversation, j.dialogue_id, j.entry
  from unnest($1::bytea[], $2::text[]) u(conversation, dialogue_id)
  join journal_entries j using (conversation, dialogue_id)
 order by j.conversation, j.dialogue_id, j.position

-- Outbound texts

-- Who may wait for an outbound text holds its conversation's lock; who does not passes it over.
-- storage rule 2: in the order of the ids.
-- name: lock_conversations
select id, ours, theirs from conversations where id = any ($1::bytea[]) order by id for no key update

-- name: find_outbound_key
select k.conversation, k.key, o.seq
  from unnest($1::bytea[], $2::text[]) k(conversation, key)
  join outbound o on o.conversation = k.conversation and o.key = k.key and o.key is not null

-- A person may have opted out before there was a row: the provider lists strangers too.
-- name: assign_outbound_seq
insert into conversations as c (id, ours, theirs, last_out_seq, last_text_at, opted_out)
select p.id, p.ours, p.theirs, p.many, $5::bigint,
       (select true from opt_outs x where x.conversation = p.id and x.lifted_at is null limit 1) is true
  from unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[]) p(id, ours, theirs, many)
 order by p.id
on conflict (id) do update set
  last_out_seq = c.last_out_seq + excluded.last_out_seq, last_text_at = excluded.last_text_at
returning id, last_out_seq, last_in_seq

-- A text to a person who opted out in the meantime, or had opted out when it was said, is
-- cancelled as it is queued.
-- name: add_outbound
insert into outbound (conversation, seq, last_in_seq, ours, theirs, text, media, priority, queued_at,
                      due_at, good_until, key, status, error)
select d.conversation, d.seq, d.last_in_seq, d.ours, d.theirs, d.text, d.media, d.priority,
       $13::bigint, d.due_at, d.good_until, d.key,
       case when d.cancelled or c.opted_out or is_listed then Status.CANCELLED else Status.QUEUED end,
       case when d.cancelled or c.opted_out or is_listed then 'opted out' else '' end
  from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
              $7::text[], $8::smallint[], $9::bigint[], $10::bigint[], $11::text[], $12::boolean[])
       d(conversation, seq, last_in_seq, ours, theirs, text, media, priority, due_at, good_until,
         key, cancelled)
  join conversations c on c.id = d.conversation
 cross join lateral (
   select (select true from opt_outs x where x.conversation = d.conversation and x.lifted_at is null
            limit 1) is true as is_listed) l

-- A text blocks a later text of the same person, unless it is of a lower priority, waits for a time
-- that was asked for, or stays of unknown end for longer than another minute. What is too late to
-- be sent blocks nothing, and expires here.
-- storage rule 6: opt-outs are checked here too, in the statement that takes texts, and what is
-- taken is counted as an attempt. No text that another process takes at this moment is waited for.
-- storage rule 20: nothing is taken for a worker that was buried.
-- storage rule 7: a sub-select with `limit 1` is looked up by index for each text; `not exists` may
-- become a hash of a whole table, for as long as the plan lives.
-- Of each priority at most $3 texts are locked; of the bulk texts $5 are chosen first.
-- name: next_texts
with mine as (
  select id from workers where id = $4::integer for key share
), late as materialized (
  select conversation, seq from outbound
   where status = Status.QUEUED and good_until is not null and ours = $1::text and good_until <= $2::bigint
   order by good_until limit 256 for no key update skip locked
), expired as (
  update outbound o set status = Status.EXPIRED, error = 'not sent in time'
    from late where o.conversation = late.conversation and o.seq = late.seq
), due as materialized (
  select d.conversation, d.seq, d.priority, d.due_at
    from mine
   cross join unnest(array[Priority.REPLY, Priority.PROACTIVE, Priority.BULK]) lane(priority)
   cross join lateral (
     select o.conversation, o.seq, o.priority, o.due_at from outbound o
      where o.status = Status.QUEUED and o.ours = $1::text and o.priority = lane.priority
        and o.due_at <= $2::bigint and (o.good_until is null or o.good_until > $2::bigint)
        and (
          select true from outbound p
           where p.conversation = o.conversation and p.seq < o.seq
              and p.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
             and p.priority <= o.priority
             and case p.status when Status.QUEUED then (p.due_at <= $2::bigint or p.attempts > 0)
                                 and (p.good_until is null or p.good_until > $2::bigint)
                               when Status.SENDING then true
                               else p.due_at <= $2::bigint + 60000 end
           limit 1) is null
        and (
          select true from opt_outs x where x.conversation = o.conversation and x.lifted_at is null
           limit 1) is null
      order by o.due_at limit $3::integer for no key update of o skip locked) d
), placed as (
  select *, row_number() over (partition by priority order by due_at) as place from due
), chosen as (
  select conversation, seq from placed
   order by priority = Priority.BULK and place <= $5::integer desc, priority, due_at limit $3::integer
)
update outbound o set status = Status.SENDING, attempts = o.attempts + 1, attempted_at = $2::bigint,
                      sender = $4::integer
  from chosen c where o.conversation = c.conversation and o.seq = c.seq
returning o.conversation, o.seq, o.theirs, o.text, o.media, o.good_until, o.queued_at, o.provider_id,
          o.attempts, o.attempted_at, o.priority, o.due_at

-- The queued texts of conversations stay locked, so that nobody takes them; those that are too late
-- expire.
-- name: expire_late
with queued as materialized (
  select conversation, seq, good_until from outbound
   where conversation = any ($1::bytea[]) and status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
      and status = Status.QUEUED
   order by conversation, seq for no key update
)
update outbound o set status = Status.EXPIRED, error = 'not sent in time'
  from queued q where q.good_until <= $2::bigint and o.conversation = q.conversation and o.seq = q.seq

-- The replies of conversations that may be sent one after the other, each conversation's up to a
-- limit of its own. A text that is no due reply and blocks a reply in `next_texts` blocks it here,
-- and with it the replies after it. `expire_late` comes before.
-- name: next_replies
with mine as (
  select id from workers where id = $4::integer for key share
), due as materialized (
  select d.conversation, d.seq
    from mine
   cross join unnest($1::bytea[], $3::integer[]) sought(conversation, most)
   cross join lateral (
     select o.conversation, o.seq from outbound o
      where o.conversation = sought.conversation
         and o.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
         and o.status = Status.QUEUED and o.priority = Priority.REPLY and o.due_at <= $2::bigint
        and (
          select true from outbound p
           where p.conversation = o.conversation and p.seq < o.seq
              and p.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
             and p.priority <= o.priority
             and case p.status when Status.QUEUED then p.due_at > $2::bigint and p.attempts > 0
                               when Status.SENDING then true
                               else p.due_at <= $2::bigint + 60000 end
           limit 1) is null
        and (
          select true from opt_outs x where x.conversation = o.conversation and x.lifted_at is null
           limit 1) is null
      order by o.seq limit sought.most) d
)
update outbound o set status = Status.SENDING, attempts = o.attempts + 1, attempted_at = $2::bigint,
                      sender = $4::integer
  from due where o.conversation = due.conversation and o.seq = due.seq
returning o.conversation, o.seq, o.theirs, o.text, o.media, o.good_until, o.queued_at, o.provider_id,
          o.attempts, o.attempted_at, o.priority

-- name: defer_text
update outbound o set
  status = case when d.is_out then Status.CANCELLED else Status.QUEUED end,
  error = case when d.is_out then 'opted out' else o.error end,
  attempts = case when d.is_out then o.attempts else o.attempts - 1 end,
  due_at = case when d.is_out then o.due_at else d.due_at end
  from (select l.*, c.opted_out or (
            select true from opt_outs x where x.conversation = l.conversation and x.lifted_at is null
             limit 1) is true as is_out
          from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::integer[]) l(conversation, seq, due_at, attempt)
          join conversations c on c.id = l.conversation) d
 where o.conversation = d.conversation and o.seq = d.seq and o.attempts = d.attempt
    and o.status = Status.SENDING

-- The results of attempts

-- storage rule 6: whoever brings a receipt with one of these ids waits, or has been waited for.
-- name: lock_provider_ids
select pg_advisory_xact_lock(lock) from (
  select distinct hashtextextended(id, 0) as lock from unnest($1::text[]) id order by 1) ordered

-- name: lock_results
with ids as materialized (
  select pg_advisory_xact_lock(lock) from (
    select distinct hashtextextended(id, 0) as lock from unnest($2::text[]) id order by 1) ordered
)
select c.id, c.ours, c.theirs from conversations c
 where c.id = any ($1::bytea[]) and (select count(*) from ids) >= 0
 order by c.id for no key update of c

-- Returns the receipts that came before.
-- name: accept_attempt
with result as (
  select * from unnest($1::bytea[], $2::bigint[], $3::smallint[], $4::text[], $5::bigint[])
    r(conversation, seq, status, provider_id, accepted_at)
), accepted as (
  update outbound o set
    status = greatest(o.status, r.status), provider_id = coalesce(nullif(r.provider_id, ''), o.provider_id),
    attempted_at = $6::bigint, accepted_at = coalesce(o.accepted_at, r.accepted_at), due_at = $7::bigint
    from result r where o.conversation = r.conversation and o.seq = r.seq
  returning o.conversation, o.seq
)
select e.id, r.conversation, r.seq, r.provider_id, e.status, e.provider_status, e.code
  from result r
  join accepted a on a.conversation = r.conversation and a.seq = r.seq
  join receipts e on e.conversation is null and e.provider_id = r.provider_id and r.provider_id <> ''
 order by e.id

-- name: adopt_receipt
update receipts r set conversation = a.conversation, seq = a.seq
  from unnest($1::bigint[], $2::bytea[], $3::bigint[]) a(id, conversation, seq)
 where r.id = a.id

-- name: retry_attempt
update outbound o set
  due_at = f.due_at, error = f.error, accepted_at = null,
  status = case when c.opted_out or (
      select true from opt_outs x where x.conversation = o.conversation and x.lifted_at is null limit 1) is true
    then Status.CANCELLED else Status.QUEUED end
  from unnest($1::bytea[], $2::bigint[], $3::integer[], $4::text[], $5::bigint[])
       f(conversation, seq, attempt, error, due_at)
  join conversations c on c.id = f.conversation
 where o.conversation = f.conversation and o.seq = f.seq and o.attempts = f.attempt
    and o.status in (Status.SENDING, Status.UNKNOWN)
returning o.conversation, o.seq, o.status

-- name: mark_attempt_unknown
update outbound o set
  status = Status.UNKNOWN, due_at = f.due_at, error = case f.error when '' then o.error else f.error end,
  accepted_at = coalesce(o.accepted_at, f.accepted_at)
  from unnest($1::bytea[], $2::bigint[], $3::integer[], $4::text[], $5::bigint[], $6::bigint[])
       f(conversation, seq, attempt, error, due_at, accepted_at)
 where o.conversation = f.conversation and o.seq = f.seq and o.attempts = f.attempt
    and o.status in (Status.SENDING, Status.UNKNOWN)
returning o.conversation, o.seq, o.status

-- name: end_attempt
update outbound o set status = f.status, error = f.error
  from unnest($1::bytea[], $2::bigint[], $3::integer[], $4::text[], $5::smallint[])
       f(conversation, seq, attempt, error, status)
 where o.conversation = f.conversation and o.seq = f.seq and o.attempts = f.attempt
    and o.status < Status.DELIVERED
returning o.conversation, o.seq, o.status

-- name: failed_text
select o.conversation, o.seq, o.ours, o.theirs, o.text, o.media, o.priority, o.key
  from unnest($1::bytea[], $2::bigint[]) f(conversation, seq)
  join outbound o using (conversation, seq)
 where o.status = Status.FAILED

-- name: mark_refused
update outbound o set refused = true
  from unnest($1::bytea[], $2::bigint[]) f(conversation, seq)
 where o.conversation = f.conversation and o.seq = f.seq

-- name: refused_texts
select conversation, seq from outbound
 where refused and ($1::text is null or theirs = $1::text)
   and conversation in (
     select distinct conversation from outbound
      where refused and ($1::text is null or theirs = $1::text) and conversation > $2::bytea
      order by conversation limit $3::integer)

-- name: settle_refused
update outbound o set refused = false, error = o.error || '; sent again'
  from unnest($1::bytea[], $2::bigint[]) f(conversation, seq)
 where o.conversation = f.conversation and o.seq = f.seq and o.refused
returning o.conversation, o.seq, o.ours, o.theirs, o.text, o.media, o.priority, o.good_until

-- name: is_queued
select o.status = Status.QUEUED from unnest($1::bytea[], $2::bigint[]) q(conversation, seq)
  join outbound o using (conversation, seq)

-- name: unknown_of
select conversation, seq, attempts from outbound
 where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED) and status = Status.UNKNOWN
   and ($1::text is null or theirs = $1::text)
   and conversation in (
     select distinct conversation from outbound
      where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED) and status = Status.UNKNOWN
        and ($1::text is null or theirs = $1::text) and conversation > $2::bytea
      order by conversation limit $3::integer)

-- Receipts

-- name: find_by_provider_id
select p.id, o.conversation, o.seq
  from unnest($1::text[]) p(id)
 cross join lateral (
   select conversation, seq from outbound where provider_id = p.id order by queued_at desc limit 1) o

-- name: provider_id_of
select o.conversation, o.seq, coalesce(o.provider_id, '')
  from unnest($1::bytea[], $2::bigint[]) t(conversation, seq)
  join outbound o using (conversation, seq)

-- name: answered_text
select o.conversation, o.seq, i.id
  from unnest($1::bytea[], $2::bigint[]) t(conversation, seq)
  join outbound o using (conversation, seq)
  join inbound i on i.conversation = o.conversation and i.seq = o.last_in_seq
 where o.priority = Priority.REPLY

-- name: apply_receipt
update outbound o set
  status = greatest(o.status, r.status),
  provider_id = coalesce(o.provider_id, nullif(r.provider_id, '')),
  accepted_at = case when r.status between Status.ACCEPTED and Status.UNDELIVERED
    then coalesce(o.accepted_at, o.attempted_at) else o.accepted_at end,
  due_at = case when o.status < Status.ACCEPTED
    and r.status in (Status.ACCEPTED, Status.SENT) then $5::bigint else o.due_at end
  from unnest($1::bytea[], $2::bigint[], $3::smallint[], $4::text[]) r(conversation, seq, status, provider_id)
 where o.conversation = r.conversation and o.seq = r.seq and o.status < Status.DELIVERED
returning o.conversation, o.seq, o.theirs, o.text, o.media, o.good_until, o.queued_at, o.provider_id,
          o.attempts, o.attempted_at, o.priority, o.ours, o.status

-- A text may have been forgotten, with its receipts, since it was found.
-- name: add_receipt
insert into receipts (conversation, seq, reported_at, status, provider_status, code)
select r.conversation, r.seq, r.reported_at, r.status, r.provider_status, r.code
  from unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::smallint[], $5::text[], $6::text[])
    with ordinality r(conversation, seq, reported_at, status, provider_status, code, nth)
  join outbound o on o.conversation = r.conversation and o.seq = r.seq
 where (
   select true from receipts e
    where e.conversation is not null and e.conversation = r.conversation and e.seq = r.seq
       and e.provider_status = r.provider_status and e.code = r.code
    limit 1) is null
 order by r.nth

-- name: add_early_receipt
insert into receipts (provider_id, reported_at, status, provider_status, code)
select r.provider_id, r.reported_at, r.status, r.provider_status, r.code
  from unnest($1::text[], $2::bigint[], $3::smallint[], $4::text[], $5::text[])
    with ordinality r(provider_id, reported_at, status, provider_status, code, nth)
 where (
   select true from receipts e
    where e.conversation is null and e.provider_id = r.provider_id
       and e.provider_status = r.provider_status and e.code = r.code
    limit 1) is null
 order by r.nth

-- A check is for one process alone, and due again as it is handed out.
-- name: due_lookups
with due as materialized (
  select conversation, seq, due_at from outbound
   where status = Status.UNKNOWN and due_at <= $2::bigint and ours = $1::text
   order by due_at limit $3::integer for no key update skip locked
)
update outbound o set due_at = coalesce(nullif(o.attempted_at, 0), $2::bigint) + (
    select min(age) from unnest($4::bigint[]) age
     where age > $2::bigint - coalesce(nullif(o.attempted_at, 0), $2::bigint))
  from due where o.conversation = due.conversation and o.seq = due.seq
returning o.conversation, o.seq, o.theirs, o.text, o.media, o.good_until, o.queued_at, o.provider_id,
          o.attempts, o.attempted_at, o.priority, due.due_at as was_due_at

-- name: due_status_checks
with due as materialized (
  select conversation, seq, due_at from outbound
   where status in (Status.ACCEPTED, Status.SENT) and due_at <= $2::bigint and ours = $1::text
   order by due_at limit $3::integer for no key update skip locked
)
update outbound o set due_at = coalesce(nullif(o.attempted_at, 0), $2::bigint) + (
    select min(age) from unnest($4::bigint[]) age
     where age > $2::bigint - coalesce(nullif(o.attempted_at, 0), $2::bigint))
  from due where o.conversation = due.conversation and o.seq = due.seq
returning o.conversation, o.seq, o.theirs, o.text, o.media, o.good_until, o.queued_at, o.provider_id,
          o.attempts, o.attempted_at, o.priority, due.due_at as was_due_at

-- Opt-outs

-- storage rule 21: the row says so as well as the ledger; a stranger has no row.
-- name: opt_out
with person as (
  select * from unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::boolean[])
    p(conversation, since, ours, theirs, source, inbound_id, at_provider)
), marked as (
  update conversations c set opted_out = true from person p where c.id = p.conversation and not c.opted_out
), kept as (
  update opt_outs x set at_provider = true
   where x.conversation = any (array(select conversation from person where at_provider))
     and x.lifted_at is null and not x.at_provider
)
insert into opt_outs (conversation, since, ours, theirs, source, inbound_id, at_provider)
select p.* from person p
 where (select true from opt_outs x where x.conversation = p.conversation and x.lifted_at is null limit 1) is null
on conflict (conversation, since) do update set
  source = excluded.source, inbound_id = excluded.inbound_id, at_provider = excluded.at_provider,
  lifted_at = null, lifted_source = '', lifted_inbound_id = null
returning conversation

-- name: opt_in
with lifted as (
  update opt_outs set lifted_at = $2::bigint, lifted_source = $3::text, lifted_inbound_id = $4::bytea
   where conversation = $1::bytea and lifted_at is null and (not $5::boolean or at_provider)
  returning conversation
), marked as (
  update conversations c set opted_out = false from lifted where c.id = lifted.conversation
)
select conversation from lifted

-- name: cancel_queued
update outbound set status = Status.CANCELLED, error = 'opted out'
 where conversation = any ($1::bytea[]) and status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
    and status = Status.QUEUED
returning conversation, seq, ours, theirs, text, attempts

-- name: list_opt_outs
select o.since, o.source, coalesce(i.text, ''), o.lifted_at, o.lifted_source, coalesce(l.text, '')
  from opt_outs o
  left join inbound i on i.conversation = o.conversation and i.id = o.inbound_id
  left join inbound l on l.conversation = o.conversation and l.id = o.lifted_inbound_id
 where o.conversation = $1::bytea order by o.since

-- Retries

-- name: set_aside_of
select distinct i.conversation from inbound i
  join conversations c on c.id = i.conversation
 where i.status = InboundStatus.SET_ASIDE
   and ($1::text is null or c.theirs = $1::text) and i.conversation > $2::bytea
 order by i.conversation limit $3::integer

-- name: set_aside_by_other_version
select distinct conversation from inbound
 where status = InboundStatus.SET_ASIDE and code_version <> '' and code_version <> $1::text
   and conversation > $2::bytea
 order by conversation limit $3::integer

-- The texts that are still set aside, as the conversations are locked; of another code version, or all.
-- name: append_again
with again as (
  select i.conversation, i.seq,
         row_number() over (partition by i.conversation order by i.seq) as place,
         count(*) over (partition by i.conversation) as many
    from inbound i
   where i.status = InboundStatus.SET_ASIDE and i.conversation = any ($1::bytea[])
     and ($3::text is null or i.code_version <> '' and i.code_version <> $3::text)
), placed as (
  update conversations c set
    last_in_seq = c.last_in_seq + n.many,
    due_at = case when c.due_at is null then $2::bigint
                  when c.failed_attempts > 0 then c.due_at
                  else least(c.due_at, $2::bigint) end,
    failed_attempts = case when c.due_at is null then 0 else c.failed_attempts end
    from (select distinct conversation, many from again) n where c.id = n.conversation
  returning c.id, c.last_in_seq, c.opted_out
)
update inbound i set
  seq = p.last_in_seq - a.many + a.place, status = InboundStatus.PENDING, error = '', code_version = '',
  consent = greatest(i.consent, case when p.opted_out then 1 else 0 end)
  from again a join placed p on p.id = a.conversation
 where i.conversation = a.conversation and i.seq = a.seq

-- name: release_set_aside_dialogues
with held as materialized (
  select c.id from conversations c where c.id in (
    select conversation from dialogues
     where failed_attempts > 0 and due_at is null and ended_at is null
       and code_version <> '' and code_version <> $2::text and conversation > $3::bytea
     order by conversation limit $4::integer)
   order by c.id for no key update of c
), made_due as (
  update dialogues d set due_at = $1::bigint, code_version = '', failed_attempts = 0
    from held where d.conversation = held.id
     and d.failed_attempts > 0 and d.due_at is null and d.ended_at is null
     and d.code_version <> '' and d.code_version <> $2::text
  returning d.conversation
)
select h.id, count(m.conversation) from held h left join made_due m on m.conversation = h.id group by h.id

-- name: release_set_aside_dialogues_of
with held as materialized (
  select c.id from conversations c where c.id in (
    select d.conversation from dialogues d join conversations p on p.id = d.conversation
     where d.failed_attempts > 0 and d.due_at is null and d.ended_at is null
       and ($2::text is null or p.theirs <> '' and p.theirs = $2::text) and d.conversation > $3::bytea
     order by d.conversation limit $4::integer)
   order by c.id for no key update of c
), made_due as (
  update dialogues d set due_at = $1::bigint, code_version = '', failed_attempts = 0
    from held where d.conversation = held.id
     and d.failed_attempts > 0 and d.due_at is null and d.ended_at is null
  returning d.conversation
)
select h.id, count(m.conversation) from held h left join made_due m on m.conversation = h.id group by h.id

-- name: make_retired_dialogues_due
with held as materialized (
  select c.id from conversations c where c.id in (
    select conversation from dialogues
     where ended_at is null and handler = any ($2::text[]) and (due_at is null or due_at > $1::bigint)
       and conversation > $3::bytea
     order by conversation limit $4::integer)
   order by c.id for no key update of c
), made_due as (
  update dialogues d set due_at = $1::bigint, code_version = '', failed_attempts = 0
    from held where d.conversation = held.id
     and d.ended_at is null and d.handler = any ($2::text[]) and (d.due_at is null or d.due_at > $1::bigint)
  returning d.conversation
)
select h.id, count(m.conversation) from held h left join made_due m on m.conversation = h.id group by h.id

-- name: make_retries_due
with held as materialized (
  select id from conversations where due_at is not null and due_at > $1::bigint and failed_attempts > 0
   order by id for no key update
)
update conversations c set due_at = $1::bigint
  from held where c.id = held.id and c.due_at > $1::bigint and c.failed_attempts > 0

-- name: make_timer_retries_due
with held as materialized (
  select c.id from conversations c where c.id in (
    select conversation from dialogues
     where failed_attempts > 0 and ended_at is null and due_at > $1::bigint)
   order by c.id for no key update of c
), made_due as (
  update dialogues d set due_at = $1::bigint
    from held where d.conversation = held.id
     and d.failed_attempts > 0 and d.ended_at is null and d.due_at > $1::bigint
  returning d.conversation
)
select h.id, count(m.conversation) from held h left join made_due m on m.conversation = h.id group by h.id

-- name: save_code_version
insert into metadata as m (name, value) values ('code_version', $1::bigint)
on conflict (name) do update set value = excluded.value where m.value <> excluded.value

-- name: timers_version
select value from metadata where name = 'timers_version'

-- name: save_timers_version
insert into metadata as m (name, value) values ('timers_version', $1::bigint)
on conflict (name) do update set value = excluded.value where m.value <> excluded.value

-- Our numbers

-- A step of the index for each number.
-- name: numbers_with_unsent
with recursive queued (ours) as (
  select min(ours) from outbound where status = Status.QUEUED
  union all
  select (select min(o.ours) from outbound o where o.status = Status.QUEUED and o.ours > q.ours)
    from queued q where q.ours is not null
), unknown (ours) as (
  select min(ours) from outbound where status = Status.UNKNOWN
  union all
  select (select min(o.ours) from outbound o where o.status = Status.UNKNOWN and o.ours > u.ours)
    from unknown u where u.ours is not null
)
select ours from queued where ours is not null
union
select ours from unknown where ours is not null

-- name: numbers_with_checks
with recursive checked (ours) as (
  select min(ours) from outbound where status in (Status.ACCEPTED, Status.SENT)
  union all
  select (select min(o.ours) from outbound o
           where o.status in (Status.ACCEPTED, Status.SENT) and o.ours > c.ours)
    from checked c where c.ours is not null
)
select ours from checked where ours is not null

-- name: add_our_number
insert into numbers (ours) values ($1::text) on conflict (ours) do nothing

-- name: our_numbers
select ours from numbers order by ours

-- name: get_cursor
select cursor from numbers where ours = $1::text

-- name: set_cursor
insert into numbers (ours, cursor) values ($1::text, $2::text)
on conflict (ours) do update set cursor = excluded.cursor

-- name: count_lost_read
insert into numbers as n (ours, lost_reads) values ($1::text, 1)
on conflict (ours) do update set lost_reads = n.lost_reads + 1

-- name: secrets
select value from secrets where name = $1::text order by age

-- name: add_first_secret
insert into secrets (name, value)
select $1::text, $2::text where not exists (select 1 from secrets where name = $1::text)
on conflict do nothing

-- name: add_secret
insert into secrets (name, value) values ($1::text, $2::text)

-- name: age_secret
update secrets set age = 1 where name = $1::text

-- name: retire_secret
delete from secrets where name = $1::text and age = 1

-- For operators

-- storage rule 18: a count ends where it is told to.
-- name: count_all
select
  (select count(*) from (select 1 from conversations where theirs <> '' limit $1::bigint) n),
  (select coalesce(sum(n), 0)::bigint from (
     select last_in_seq - handled_seq as n from conversations where due_at is not null
      limit $1::bigint) p),
  (select count(*) from (
     select 1 from inbound where status = InboundStatus.SET_ASIDE limit $1::bigint) n),
  (select count(*) from (select 1 from outbound where status = Status.QUEUED limit $1::bigint) n),
  (select count(*) from (select 1 from outbound where status = Status.SENDING limit $1::bigint) n),
  (select count(*) from (
     select 1 from outbound where status in (Status.UNKNOWN, Status.FAILED)
        and status = Status.UNKNOWN limit $1::bigint) n),
  (select count(*) from (
     select 1 from outbound where status in (Status.UNKNOWN, Status.FAILED)
        and status = Status.FAILED limit $1::bigint) n),
  (select count(*) from (select 1 from opt_outs where lifted_at is null limit $1::bigint) n),
  (select coalesce(sum(lost_reads), 0)::bigint from numbers),
  (select coalesce(sum(value), 0)::bigint from metadata where name = 'unclean_exits'),
  (select count(*) from (select 1 from dialogues where ended_at is null limit $1::bigint) n),
  (select count(*) from (
     select 1 from dialogues
      where failed_attempts > 0 and due_at is null and ended_at is null limit $1::bigint) n),
  (select count(*) from (select 1 from outbound where refused limit $1::bigint) n)

-- storage rule 27: what a person asks for may read each row of a table once, in its own order.
-- name: allow_reading_all
select set_config(name, 'on', true)
  from unnest('{enable_seqscan,enable_hashjoin,enable_bitmapscan}'::text[]) name

-- name: list_conversations
select c.id, c.ours, c.theirs,
       (select count(*) from inbound i where i.conversation = c.id),
       (select count(*) from outbound o where o.conversation = c.id),
       c.last_text_at, c.last_in_seq - c.handled_seq,
       (select count(*) from inbound i where i.conversation = c.id and i.status = InboundStatus.SET_ASIDE)
         + (select count(*) from dialogues d where d.conversation = c.id
               and d.failed_attempts > 0 and d.due_at is null and d.ended_at is null),
       (select count(*) from outbound o where o.conversation = c.id and o.status = Status.UNKNOWN),
       (select count(*) from outbound o where o.refused and o.conversation = c.id),
       (select true from opt_outs x where x.conversation = c.id and x.lifted_at is null limit 1)
         is not null
  from (select id, ours, theirs, last_text_at, last_in_seq, handled_seq from conversations v
         where theirs <> '' and ($1::text = '' or ours = $1::text) and starts_with(theirs, $2::text)
           and coalesce(last_text_at, 0) >= $3::bigint and (not $4::boolean or due_at is not null)
           and (not $5::boolean or exists (
             select 1 from opt_outs x where x.conversation = v.id and x.lifted_at is null))
           and (not $6::boolean or id in (
             select conversation from inbound where status = InboundStatus.SET_ASIDE
             union
             select conversation from outbound where status in (Status.UNKNOWN, Status.FAILED)
                and status = Status.UNKNOWN
             union
             select conversation from outbound where refused
             union
             select conversation from dialogues
              where failed_attempts > 0 and due_at is null and ended_at is null))
           and ($7::bigint is null or (coalesce(last_text_at, 0), id) < ($7::bigint, $8::bytea))
         order by coalesce(last_text_at, 0) desc, id desc limit $9::integer) c
 order by coalesce(c.last_text_at, 0) desc, c.id desc

-- name: count_conversations
select count(*) from conversations v
 where theirs <> '' and ($1::text = '' or ours = $1::text) and starts_with(theirs, $2::text)
   and coalesce(last_text_at, 0) >= $3::bigint and (not $4::boolean or due_at is not null)
   and (not $5::boolean or exists (
     select 1 from opt_outs x where x.conversation = v.id and x.lifted_at is null))
   and (not $6::boolean or id in (
     select conversation from inbound where status = InboundStatus.SET_ASIDE
     union
     select conversation from outbound where status in (Status.UNKNOWN, Status.FAILED)
        and status = Status.UNKNOWN
     union
     select conversation from outbound where refused
     union
     select conversation from dialogues
      where failed_attempts > 0 and due_at is null and ended_at is null))

-- name: history_in
select i.seq, i.received_at, i.text, i.status, i.error, i.media, c.handled_seq, c.failed_attempts
  from inbound i join conversations c on c.id = i.conversation
 where i.conversation = $1::bytea and i.seq <= $2::bigint order by i.seq desc limit $3::integer

-- name: history_out
select seq, queued_at, last_in_seq, text, status, error, media, attempts, coalesce(provider_id, '')
  from outbound
 where conversation = $1::bytea and (text <> '' or media is not null)
   and ($2::boolean or status not in (Status.CANCELLED, Status.EXPIRED, Status.FAILED))
 order by seq desc limit $3::integer

-- name: receipts_of
select seq, provider_status, code from receipts
 where conversation = $1::bytea and seq = any ($2::bigint[]) and conversation is not null order by id

-- name: conversations_of
select id from conversations where theirs <> '' and theirs = $1::text order by id for update

-- name: opt_outs_alone_of
select distinct o.conversation from opt_outs o where o.theirs = $1::text and o.theirs <> ''
   and not exists (select 1 from conversations c where c.id = o.conversation)

-- name: media_of
select media from inbound where conversation = any ($1::bytea[]) and media is not null

-- name: forget_state
delete from states where conversation = any ($1::bytea[])

-- name: forget_dialogues
delete from dialogues where conversation = any ($1::bytea[])

-- name: forget_journal_entries
delete from journal_entries where conversation = any ($1::bytea[])

-- name: forget_inbound
delete from inbound where conversation = any ($1::bytea[])

-- name: forget_outbound
delete from outbound where conversation = any ($1::bytea[])

-- name: forget_receipts
delete from receipts where conversation = any ($1::bytea[])

-- storage rule 9: what stays of a forgotten person lies under a keyed id, without numbers.
-- name: move_opt_outs
update opt_outs o set conversation = u.new, ours = u.ours, theirs = u.theirs
  from unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[]) u(old, new, ours, theirs)
 where o.conversation = u.old

-- name: move_dedupe_keys
update dedupe_keys k set conversation = u.new
  from unnest($1::bytea[], $2::bytea[]) u(old, new)
 where k.conversation = u.old

-- Whoever waits for the old row finds it gone; of a row with another id they would hold the lock.
-- name: move_conversation
with gone as (
  delete from conversations c using unnest($1::bytea[]) u(old) where c.id = u.old
  returning c.id, c.last_in_seq, c.last_out_seq
)
insert into conversations (id, ours, theirs, last_in_seq, handled_seq, last_out_seq, opted_out)
select u.new, u.ours, u.theirs, g.last_in_seq, g.last_in_seq, g.last_out_seq,
       (select true from opt_outs o where o.conversation = u.new and o.lifted_at is null limit 1)
         is not null
  from gone g join unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[]) u(old, new, ours, theirs)
    on u.old = g.id

-- name: remove_conversation
delete from conversations where id = any ($1::bytea[])

-- name: find_conversation
select id from conversations where id = any ($1::bytea[])

-- name: find_dedupe_key
select conversation, key from dedupe_keys
 where (conversation, key) in (select * from unnest($1::bytea[], $2::bytea[]))

-- name: get_metadata
select value from metadata where name = $1::text

-- name: set_metadata
insert into metadata (name, value) values ($1::text, $2::bigint)
on conflict (name) do update set value = excluded.value

-- name: add_metadata
insert into metadata (name, value) values ($1::text, $2::bigint) on conflict (name) do nothing

-- name: remove_metadata
delete from metadata where name = $1::text

-- name: give_up_dedupe_keys
delete from dedupe_keys where conversation in (select id from conversations where theirs = '')

-- name: give_up_opt_outs
delete from opt_outs where conversation in (select id from conversations where theirs = '')

-- name: give_up_conversations
delete from conversations where theirs = ''

-- name: save_media
update inbound set media = $4::bytea where conversation = $1::bytea and seq = $2::bigint and id = $3::bytea

-- name: make_text_due
update conversations set due_at = least(due_at, $2::bigint)
 where id = $1::bytea and failed_attempts = 0 and due_at is not null

-- name: media_to_erase
select path from media_to_erase order by path

-- name: queue_media_erasure
insert into media_to_erase (path) select unnest($1::text[]) on conflict (path) do nothing

-- name: mark_media_erased
delete from media_to_erase where path = any ($1::text[])

-- name: prune_dedupe_keys
delete from dedupe_keys where (conversation, key) in (
  select conversation, key from dedupe_keys where received_at < $1::bigint
   order by received_at limit $2::integer for update skip locked)

-- name: prune_early_receipts
delete from receipts where conversation is null and reported_at < $1::bigint

-- storage rule 17: what waits stays, and what proves an opt-out or keeps a key from being used again.
-- name: next_conversations
select id, handled_seq from conversations where id > $1::bytea order by id limit $2::integer

-- name: prune_inbound
delete from inbound where (conversation, seq) in (
  select i.conversation, i.seq
    from unnest($1::bytea[], $2::bigint[]) c(id, handled_seq)
    join inbound i on i.conversation = c.id and i.seq <= c.handled_seq
   where i.received_at < $3::bigint and i.status <> InboundStatus.SET_ASIDE
     and (select true from opt_outs x
           where x.conversation = c.id and i.id in (x.inbound_id, x.lifted_inbound_id) limit 1) is null
   order by i.conversation, i.seq limit $4::integer)
returning media

-- name: prune_outbound
delete from outbound where (conversation, seq) in (
  select conversation, seq from outbound
   where conversation = any ($1::bytea[]) and key is null and status > Status.UNKNOWN and not refused
     and greatest(queued_at, attempted_at) < $2::bigint
   order by conversation, seq limit $3::integer)
returning conversation, seq

-- name: empty_outbound
update outbound set text = '', media = null, provider_id = null, error = '', due_at = null
 where (conversation, seq) in (
  select conversation, seq from outbound
   where conversation = any ($1::bytea[]) and key is not null and status > Status.UNKNOWN
     and not refused and greatest(queued_at, attempted_at) < $2::bigint
     and (text <> '' or media is not null)
   order by conversation, seq limit $3::integer)
returning conversation, seq

-- name: prune_receipts
delete from receipts where conversation is not null
   and (conversation, seq) in (select * from unnest($1::bytea[], $2::bigint[]))

-- name: empty_dialogues
update dialogues set head = '', error = '', question_key = null, end_reason = 'pruned'
 where (conversation, id) in (
  select conversation, id from dialogues
   where conversation = any ($1::bytea[]) and ended_at < $2::bigint and end_reason <> 'pruned'
   order by conversation, id limit $3::integer)
returning conversation, id

-- name: prune_entries
delete from journal_entries
 where (conversation, dialogue_id) in (select * from unnest($1::bytea[], $2::text[]))

-- After a copy

-- storage rule 21: the row says what the ledger says.
-- name: set_all_opted_out
update conversations set opted_out = true
 where id in (select conversation from opt_outs where lifted_at is null)

-- name: set_next_receipt_id
select setval(pg_get_serial_sequence('receipts', 'id'), (select max(id) from receipts))
 where exists (select 1 from receipts)

-- Every statement the SQLite store runs. They are constants, and prepared once.
-- A partial index is used only where its condition is repeated word for word.

-- Opening

-- name: mark_running
insert into marks (name, value) values ('running', 1) on conflict (name) do nothing

-- name: unmark_running
delete from marks where name = 'running'

-- name: count_unclean_exit
insert into marks (name, value) values ('unclean_exits', 1)
on conflict (name) do update set value = value + 1

-- name: suspect_pending
update conversations set suspect = last_in
 where due_at is not null or due_at is null and timer_at <= ?

-- name: note_interrupted
insert into receipts (conversation, seq, at, status, word)
select conversation, seq, ?, 2, 'attempt ' || attempts || ': no end known, the process ended'
  from outbound indexed by outbound_open where status in (0, 1, 2) and status = 1

-- name: doubt_interrupted
update outbound set status = 2, due_at = ? where status in (0, 1, 2) and status = 1

-- Texts in

-- name: remember_key
insert into seen (conversation, key, at) values (?, ?, ?) on conflict do nothing

-- name: place_text
insert into conversations (id, ours, theirs, last_in, spoke_at, due_at)
values (?, ?, ?, 1, ?, ?)
on conflict (id) do update set
  last_in = last_in + 1,
  spoke_at = excluded.spoke_at,
  due_at = case when due_at is null then excluded.due_at
                when attempts > 0 then due_at
                else min(due_at, excluded.due_at) end,
  attempts = case when due_at is null then 0 else attempts end
returning last_in, theirs

-- An opt-out word runs nothing: where no text waits before it, it is over at once.
-- name: place_word
insert into conversations (id, ours, theirs, last_in, handled, spoke_at)
values (?, ?, ?, 1, 1, ?)
on conflict (id) do update set
  handled = case when handled = last_in then last_in + 1 else handled end,
  last_in = last_in + 1,
  spoke_at = excluded.spoke_at
returning last_in, theirs

-- name: revive
update conversations set ours = ?, theirs = ? where id = ?

-- name: add_inbound
insert into inbound (conversation, seq, id, provider_id, text, raw, sent_at, received_at, status,
                     media)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: opt_out
insert into optouts (conversation, since, ours, theirs, how, inbound)
select ?1, ?2, ?3, ?4, ?5, ?6
 where not exists (select 1 from optouts where conversation = ?1 and lifted_at is null)
on conflict (conversation, since) do update set
  how = excluded.how, inbound = excluded.inbound, lifted_at = null, lifted_how = '', lifted_by = null

-- name: opt_in
update optouts set lifted_at = ?2, lifted_how = ?3, lifted_by = ?4
 where conversation = ?1 and lifted_at is null

-- name: asked
select asked from conversations where id = ?

-- name: cancel_queued
update outbound set status = 9, error = 'opted out'
 where conversation = ? and status in (0, 1, 2) and status = 0

-- name: find_suspect
select id from conversations
 where suspect is not null and coalesce(due_at, timer_at) <= ?
 order by coalesce(due_at, timer_at) limit 1

-- name: count_suspect_attempt
update conversations set attempts = attempts + 1 where id = ?

-- name: uncount_suspect_attempt
update conversations set attempts = attempts - 1
 where id = ? and lease = ? and attempts > 0 and suspect is not null

-- name: claim_suspect
select c.id, c.ours, c.theirs, c.lease, c.attempts - 1, c.now_at, s.state, c.handled,
       i.seq, i.id, i.provider_id, i.text, i.raw, i.sent_at, i.received_at, i.status,
       i.media,
       exists (select 1 from optouts where conversation = i.conversation and lifted_by = i.id)
  from conversations c
  left join inbound i on i.conversation = c.id and i.seq = c.handled + 1
  left join states s on s.conversation = c.id
 where c.id = ?

-- name: claim_due
select c.id, c.ours, c.theirs, c.lease, c.attempts, c.now_at, s.state, c.handled,
       i.seq, i.id, i.provider_id, i.text, i.raw, i.sent_at, i.received_at, i.status,
       i.media,
       exists (select 1 from optouts where conversation = i.conversation and lifted_by = i.id)
  from (select id, ours, theirs, lease, attempts, now_at, handled, due_at
          from conversations indexed by conversations_due
         where due_at <= ?1 and suspect is null
           and hex(id) not in (select value from json_each(?2))
         order by due_at limit ?3) c
  cross join inbound i on i.conversation = c.id and i.seq between c.handled + 1 and c.handled + 8
  left join states s on s.conversation = c.id and i.seq = c.handled + 1
 order by c.due_at, c.id, i.seq

-- name: claim_alarms
select c.id, c.ours, c.theirs, c.lease, c.attempts, c.now_at, s.state, c.handled, null
  from (select id, ours, theirs, lease, attempts, now_at, handled, timer_at
          from conversations indexed by conversations_timer
         where timer_at <= ?1 and due_at is null
           and hex(id) not in (select value from json_each(?2))
         order by timer_at limit ?3) c
  left join states s on s.conversation = c.id
 order by c.timer_at, c.id

-- name: postpone
update conversations set due_at = ? where id = ? and lease = ? and due_at is not null

-- name: keep_media
update inbound set media = ? where conversation = ? and seq = ? and id = ?

-- name: hasten
update conversations set due_at = min(due_at, ?) where id = ? and attempts = 0

-- name: discarded
select path from discarded order by path

-- name: erased
delete from discarded where path = ?

-- name: finish
update conversations set
  handled = max(handled, ?3),
  now_at = coalesce(max(now_at, ?4), ?4, now_at),
  last_out = last_out + ?5,
  spoke_at = case when ?5 > 0 then ?6 else spoke_at end,
  attempts = ?7,
  due_at = case when ?8 is not null then ?8 when last_in > ?3 then due_at end,
  suspect = case when suspect > ?3 then suspect end,
  asked = coalesce(?9, asked)
where id = ?1 and lease = ?2
returning last_out

-- name: fail_text
update inbound set status = ?, error = ?, program = ? where conversation = ? and seq = ?

-- name: save_state
insert into states (conversation, state) values (?, ?)
on conflict (conversation) do update set state = excluded.state

-- Dialogues. One is stuck when its last look failed and nothing but a person, or another program,
-- has it looked at again.

-- name: any_dialogue
select 1 from dialogues indexed by dialogues_open where ended_at is null limit 1

-- name: live_dialogues
select id, handler, head, due_at, attempts, error, ended
  from dialogues indexed by dialogues_open
 where conversation = ? and ended_at is null order by id

-- name: entries_of
select entry from answers where conversation = ? and dialogue = ? order by n

-- name: begin_dialogue
insert into dialogues (conversation, id, handler, head, due_at, started_at, ended_at, ended)
values (?1, ?2, ?3, ?4, ?5, ?6, case ?7 when '' then null else ?6 end, ?7)
on conflict (conversation, id) do nothing

-- name: keep_dialogue
insert into dialogues (conversation, id, handler, head, due_at, started_at, ended_at, ended)
values (?1, ?2, ?3, ?4, ?5, ?6, case ?7 when '' then null else ?6 end, ?7)
on conflict (conversation, id) do update set
  handler = excluded.handler, head = excluded.head, due_at = excluded.due_at,
  attempts = 0, error = '', program = '',
  ended_at = excluded.ended_at, ended = excluded.ended

-- name: find_dialogue
select 1 from dialogues where conversation = ? and id = ?

-- name: add_entry
insert into answers (conversation, dialogue, n, entry) values (?, ?, ?, ?)
on conflict (conversation, dialogue, n) do nothing

-- name: find_entry
select entry from answers where conversation = ? and dialogue = ? and n = ?

-- name: fail_dialogue
update dialogues set attempts = attempts + 1, error = ?, due_at = ?, program = ?
 where conversation = ? and id = ?

-- name: set_timer
update conversations set timer_at = (
  select min(due_at) from dialogues indexed by dialogues_open
   where conversation = ?1 and ended_at is null)
 where id = ?1

-- name: place_start
insert into conversations (id, ours, theirs) values (?, ?, ?)
on conflict (id) do update set ours = excluded.ours, theirs = excluded.theirs

-- name: is_leased
select 1 from conversations where id = ? and lease = ?

-- name: postpone_dialogues
update dialogues indexed by dialogues_open set due_at = ?1
 where conversation = ?2 and ended_at is null and due_at < ?1
   and exists (select 1 from conversations where id = ?2 and lease = ?3)

-- name: free_dialogues
update dialogues set due_at = ?1, program = '', attempts = 0
 where attempts > 0 and due_at is null and ended_at is null and program not in ('', ?2)
returning conversation

-- name: free_dialogues_of
update dialogues set due_at = ?1, program = '', attempts = 0
 where attempts > 0 and due_at is null and ended_at is null
   and (?2 is null or conversation in (
     select id from conversations where theirs <> '' and theirs = ?2))
returning conversation

-- name: mark_program
insert into marks (name, value) values ('program', ?1)
on conflict (name) do update set value = ?1 where value <> ?1

-- name: hasten_turns
update conversations set due_at = ?1 where due_at > ?1 and attempts > 0

-- name: hasten_alarms
update dialogues indexed by dialogues_failing set due_at = ?1
 where attempts > 0 and ended_at is null and due_at > ?1
returning conversation

-- name: call_retired
update dialogues indexed by dialogues_handler set due_at = ?1, program = '', attempts = 0
 where ended_at is null and handler in (select value from json_each(?2))
   and (due_at is null or due_at > ?1)
returning conversation

-- name: handlers
select handler, count(*) from dialogues indexed by dialogues_handler
 where ended_at is null group by handler

-- name: talks
select d.conversation, c.ours, c.theirs, s.state, d.started_at, d.ended_at,
       d.id, d.handler, d.head, d.due_at, d.attempts, d.error, d.ended
  from dialogues d indexed by dialogues_open
  join conversations c on c.id = d.conversation
  left join states s on s.conversation = d.conversation
 where (d.conversation, d.id) > (?1, ?2) and d.ended_at is null and (?3 = '' or d.handler = ?3)
 order by d.conversation, d.id limit ?4

-- name: all_talks
select d.conversation, c.ours, c.theirs, s.state, d.started_at, d.ended_at,
       d.id, d.handler, d.head, d.due_at, d.attempts, d.error, d.ended
  from dialogues d
  join conversations c on c.id = d.conversation
  left join states s on s.conversation = d.conversation
 where (d.conversation, d.id) > (?1, ?2) and (?3 = '' or d.handler = ?3)
 order by d.conversation, d.id limit ?4

-- name: entries_of_talks
select a.conversation, a.dialogue, a.entry
  from dialogues d indexed by dialogues_open
  cross join answers a on a.conversation = d.conversation and a.dialogue = d.id
 where (d.conversation, d.id) > (?1, ?2) and (d.conversation, d.id) <= (?4, ?5)
   and d.ended_at is null and (?3 = '' or d.handler = ?3)
 order by d.conversation, d.id, a.n

-- name: entries_of_all_talks
select a.conversation, a.dialogue, a.entry
  from dialogues d
  cross join answers a on a.conversation = d.conversation and a.dialogue = d.id
 where (d.conversation, d.id) > (?1, ?2) and (d.conversation, d.id) <= (?4, ?5)
   and (?3 = '' or d.handler = ?3)
 order by d.conversation, d.id, a.n

-- Texts out

-- name: find_key
select seq from outbound where conversation = ? and key = ?

-- name: place_letter
insert into conversations (id, ours, theirs, last_out, spoke_at) values (?, ?, ?, 1, ?)
on conflict (id) do update set last_out = last_out + 1, spoke_at = excluded.spoke_at
returning last_out, last_in, theirs

-- What is written to somebody who opted out in the meantime is cancelled as it is queued.
-- name: add_outbound
insert into outbound (conversation, seq, turn, ours, theirs, text, media, class, queued_at, due_at,
                      good_until, key, status, error)
select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
       case when x.conversation is null then 0 else 9 end,
       case when x.conversation is null then '' else 'opted out' end
  from (select 1) left join optouts x on x.conversation = ?1 and x.lifted_at is null

-- name: expire_late
update outbound indexed by outbound_late set status = 8, error = 'not sent in time'
 where status = 0 and good_until is not null and good_until <= ? and ours = ?

-- A text blocks a later one of the same person, unless it is of a lower class, waits for a time
-- that was asked for, or is in doubt for longer than another minute.
-- name: next_texts
select o.conversation, o.seq, o.theirs, o.text, o.media, o.good_until, o.queued_at, o.provider_id,
       o.attempts, o.since, o.class
  from outbound o indexed by outbound_queue
 where o.status = 0 and o.ours = ?1 and o.class = ?2 and o.due_at <= ?3
   and not exists (
     select 1 from outbound p indexed by outbound_open
      where p.conversation = o.conversation and p.seq < o.seq and p.status in (0, 1, 2)
        and p.class <= o.class
        and case p.status when 0 then p.due_at <= ?3 or p.attempts > 0
                          when 1 then true
                          else p.due_at <= ?3 + 60000 end)
   and not exists (
     select 1 from optouts x where x.conversation = o.conversation and x.lifted_at is null)
 order by o.due_at limit ?4

-- The replies of one conversation that may go one right behind the other. Whatever blocks one of
-- them in `next_texts` and is none of them blocks it here, and with it those behind it.
-- name: next_replies
select o.conversation, o.seq, o.theirs, o.text, o.media, o.good_until, o.queued_at, o.provider_id,
       o.attempts, o.since, o.class
  from outbound o indexed by outbound_open
 where o.conversation = ?1 and o.status in (0, 1, 2) and o.status = 0 and o.class = 0
   and o.due_at <= ?2
   and not exists (
     select 1 from outbound p indexed by outbound_open
      where p.conversation = o.conversation and p.seq < o.seq and p.status in (0, 1, 2)
        and p.class <= o.class
        and case p.status when 0 then p.due_at > ?2 and p.attempts > 0
                          when 1 then true
                          else p.due_at <= ?2 + 60000 end)
   and not exists (
     select 1 from optouts x where x.conversation = o.conversation and x.lifted_at is null)
 order by o.seq limit ?3

-- name: begin_attempt
update outbound set status = 1, attempts = attempts + 1, since = ?
 where conversation = ? and seq = ?

-- name: defer
update outbound set status = 0, attempts = attempts - 1, due_at = ?3
 where conversation = ?1 and seq = ?2 and attempts = ?4 and status = 1
   and not exists (select 1 from optouts where conversation = ?1 and lifted_at is null)
returning seq

-- name: cancel_taken
update outbound set status = 9, error = 'opted out'
 where conversation = ?1 and seq = ?2 and attempts = ?3 and status = 1

-- name: accept
update outbound set status = max(status, ?), provider_id = coalesce(nullif(?, ''), provider_id),
                    since = ?, due_at = ?
 where conversation = ? and seq = ?

-- name: any_early
select 1 from receipts where conversation is null limit 1

-- name: early_receipts
select id, status from receipts where conversation is null and provider_id = ? order by id

-- name: adopt_receipt
update receipts set conversation = ?, seq = ? where id = ?

-- name: try_again
update outbound set due_at = ?3, error = ?4, status = case when exists (
    select 1 from optouts where conversation = ?1 and lifted_at is null) then 9 else 0 end
 where conversation = ?1 and seq = ?2 and attempts = ?5 and status in (1, 2)
returning status

-- name: doubt
update outbound set status = 2, due_at = ?3, error = case ?4 when '' then error else ?4 end
 where conversation = ?1 and seq = ?2 and attempts = ?5 and status in (1, 2)
returning status

-- name: end_attempt
update outbound set status = ?3, error = ?4
 where conversation = ?1 and seq = ?2 and attempts = ?5 and status < 5
returning status

-- name: ends_of
select ours, theirs from conversations where id = ?

-- name: find_by_provider
select conversation, seq from outbound where provider_id = ? order by queued_at desc limit 1

-- name: lay_receipt
update outbound set status = max(status, ?3),
       provider_id = coalesce(provider_id, nullif(?4, '')),
       due_at = case when status < 3 and ?3 in (3, 4) then ?5 else due_at end
 where conversation = ?1 and seq = ?2 and status < 5
returning status, ours, theirs, text, media, good_until, queued_at, provider_id, attempts, since

-- name: provider_id_of
select coalesce(provider_id, '') from outbound where conversation = ? and seq = ?

-- name: add_receipt
insert into receipts (conversation, seq, at, status, word, code)
select ?1, ?2, ?3, ?4, ?5, ?6
 where not exists (select 1 from receipts
                    where conversation = ?1 and seq = ?2 and word = ?5 and code = ?6)

-- name: keep_early
insert into receipts (provider_id, at, status, word, code)
select ?1, ?2, ?3, ?4, ?5
 where not exists (select 1 from receipts
                    where conversation is null and provider_id = ?1 and word = ?4 and code = ?5)

-- name: doubtful
select conversation, seq, theirs, text, media, good_until, queued_at, provider_id, attempts, since
  from outbound
 where status = 2 and due_at <= ?2 and ours = ?1 order by due_at limit ?3

-- name: unreported
select conversation, seq, theirs, text, media, good_until, queued_at, provider_id, attempts, since
  from outbound
 where status in (3, 4) and due_at <= ?2 and ours = ?1 order by due_at limit ?3

-- name: ask_again_at
update outbound set due_at = ? where conversation = ? and seq = ?

-- Time

-- name: next_turn
select due_at from conversations
 where due_at is not null and hex(id) not in (select value from json_each(?))
 order by due_at limit 1

-- name: next_alarm
select timer_at from conversations
 where timer_at is not null and due_at is null
   and hex(id) not in (select value from json_each(?))
 order by timer_at limit 1

-- name: next_send
with recursive senders (ours) as (
  select min(ours) from outbound where status = 0
  union all
  select (select min(o.ours) from outbound o where o.status = 0 and o.ours > s.ours)
    from senders s where s.ours is not null
), lanes (ours, class) as (
  select ours, value from senders, json_each('[0, 1, 2]') where ours is not null
)
select min(due_at) from (
  select coalesce(
    (select o.due_at from outbound o indexed by outbound_queue
      where o.status = 0 and o.ours = l.ours and o.class = l.class and o.due_at <= ?1
        and not exists (
          select 1 from outbound p indexed by outbound_open
           where p.conversation = o.conversation and p.seq < o.seq and p.status in (0, 1, 2)
             and p.class <= o.class
             and case p.status when 0 then p.due_at <= ?1 or p.attempts > 0
                               when 1 then true
                               else p.due_at <= ?1 + 60000 end)
      order by o.due_at limit 1),
    (select min(o.due_at) from outbound o indexed by outbound_queue
      where o.status = 0 and o.ours = l.ours and o.class = l.class and o.due_at > ?1)) as due_at
    from lanes l
  union all
  select min(good_until) from outbound where status = 0 and good_until is not null)

-- name: next_check
select due_at from outbound where status = 2 and due_at is not null order by due_at limit 1

-- name: next_report
select due_at from outbound
 where status in (3, 4) and due_at is not null order by due_at limit 1

-- name: data_version
pragma data_version

-- name: prune_keys
delete from seen where (conversation, key) in (
  select conversation, key from seen indexed by seen_at where at < ? limit ?)

-- name: prune_early
delete from receipts where conversation is null and at < ?

-- Our numbers

-- name: numbers
select ours from outbound where status = 0 group by ours
union
select ours from outbound where status in (2, 7) and status = 2 group by ours

-- name: keep_number
insert into numbers (ours) values (?) on conflict (ours) do nothing

-- name: our_numbers
select ours from numbers order by ours

-- name: cursor
select cursor from numbers where ours = ?

-- name: advance
insert into numbers (ours, cursor) values (?, ?)
on conflict (ours) do update set cursor = excluded.cursor

-- name: doubt_read
insert into numbers (ours, doubtful_reads) values (?, 1)
on conflict (ours) do update set doubtful_reads = doubtful_reads + 1

-- name: secrets
select word from secrets where name = ? order by rank

-- name: keep_secret
insert into secrets (name, word) values (?, ?)

-- name: age_secret
update secrets set rank = 1 where name = ?

-- name: retire_secret
delete from secrets where name = ? and rank = 1

-- For people

-- name: census
select
  (select count(*) from conversations where theirs <> ''),
  (select coalesce(sum(last_in - handled), 0) from conversations where due_at is not null),
  (select count(*) from inbound where status = 1),
  (select count(*) from outbound where status = 0),
  (select count(*) from outbound where status in (0, 1, 2) and status = 1),
  (select count(*) from outbound where status in (2, 7) and status = 2),
  (select count(*) from outbound where status in (2, 7) and status = 7),
  (select count(*) from optouts where lifted_at is null),
  (select coalesce(sum(doubtful_reads), 0) from numbers),
  (select coalesce(sum(value), 0) from marks where name = 'unclean_exits'),
  (select count(*) from dialogues indexed by dialogues_handler where ended_at is null),
  (select count(*) from dialogues where attempts > 0 and due_at is null and ended_at is null)

-- name: threads
select c.ours, c.theirs,
       (select count(*) from inbound where conversation = c.id),
       (select count(*) from outbound where conversation = c.id),
       c.spoke_at, c.last_in - c.handled,
       (select count(*) from inbound where conversation = c.id and status = 1)
         + (select count(*) from dialogues where conversation = c.id
               and attempts > 0 and due_at is null and ended_at is null),
       (select count(*) from outbound where conversation = c.id and status = 2),
       exists (select 1 from optouts where conversation = c.id and lifted_at is null)
  from (select id, ours, theirs, spoke_at, last_in, handled from conversations
         where theirs <> '' order by spoke_at desc limit ?) c
 order by c.spoke_at desc

-- name: troubled_threads
select c.ours, c.theirs,
       (select count(*) from inbound where conversation = c.id),
       (select count(*) from outbound where conversation = c.id),
       c.spoke_at, c.last_in - c.handled,
       (select count(*) from inbound where conversation = c.id and status = 1)
         + (select count(*) from dialogues where conversation = c.id
               and attempts > 0 and due_at is null and ended_at is null),
       (select count(*) from outbound where conversation = c.id and status = 2),
       exists (select 1 from optouts where conversation = c.id and lifted_at is null)
  from (select conversation from inbound where status = 1
        union
        select conversation from outbound where status in (2, 7) and status = 2
        union
        select conversation from dialogues
         where attempts > 0 and due_at is null and ended_at is null) t
  join conversations c on c.id = t.conversation
 order by c.spoke_at desc limit ?

-- name: history_in
select i.seq, i.received_at, i.text, i.status, i.error, c.handled, c.attempts
  from inbound i join conversations c on c.id = i.conversation
 where i.conversation = ? order by i.seq desc limit ?

-- name: history_out
select seq, queued_at, turn, text, status, error, attempts, coalesce(provider_id, '')
  from outbound where conversation = ? order by seq desc limit ?

-- name: notes
select word, code from receipts where conversation = ? and seq = ? order by id

-- name: silences
select o.since, o.how, coalesce(i.text, ''), o.lifted_at, o.lifted_how, coalesce(l.text, '')
  from optouts o
  left join inbound i on i.conversation = o.conversation and i.id = o.inbound
  left join inbound l on l.conversation = o.conversation and l.id = o.lifted_by
 where o.conversation = ? order by o.since

-- name: set_aside_of
select i.conversation, i.seq from inbound i
  join conversations c on c.id = i.conversation
 where i.status = 1 and (?1 is null or c.theirs = ?1) order by i.conversation, i.seq

-- name: set_aside_before
select conversation, seq from inbound
 where status = 1 and program not in ('', ?) order by conversation, seq

-- name: place_again
update conversations set
  last_in = last_in + 1,
  due_at = case when due_at is null then ?2
                when attempts > 0 then due_at
                else min(due_at, ?2) end,
  attempts = case when due_at is null then 0 else attempts end
where id = ?1
returning last_in

-- name: move_inbound
update inbound set seq = ?, status = 0, error = '', program = '' where conversation = ? and seq = ?

-- name: unknown_of
select conversation, seq, attempts from outbound
 where status in (2, 7) and status = 2 and (?1 is null or theirs = ?1)
 order by conversation, seq

-- name: conversations_of
select id from conversations where theirs <> '' and theirs = ?

-- name: media_of
select media from inbound where conversation = ? and media is not null

-- name: discard
insert into discarded (path) values (?) on conflict (path) do nothing

-- name: forget_state
delete from states where conversation = ?

-- name: forget_dialogues
delete from dialogues where conversation = ?

-- name: forget_answers
delete from answers where conversation = ?

-- name: forget_inbound
delete from inbound where conversation = ?

-- name: forget_outbound
delete from outbound where conversation = ?

-- name: forget_receipts
delete from receipts where conversation = ?

-- name: forget_optouts
update optouts set theirs = '' where conversation = ?

-- name: forget_conversation
update conversations set ours = '', theirs = '', handled = last_in, now_at = null, spoke_at = null,
                         due_at = null, timer_at = null, attempts = 0, suspect = null, asked = 0,
                         lease = lease + 1
 where id = ?

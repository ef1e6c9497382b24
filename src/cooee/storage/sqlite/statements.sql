-- Every statement of the SQLite store: constants, each prepared once.
-- `Status.QUEUED` and its like are the numbers of the enums, which `sql_file` puts in.
-- storage rule 7: a partial index is used only where its condition is repeated word for word.

-- The start and end of an owner

-- name: begin_running
insert into metadata (name, value) values ('running', 1) on conflict (name) do nothing

-- name: end_running
delete from metadata where name = 'running'

-- name: count_unclean_exit
insert into metadata (name, value) values ('unclean_exits', 1)
on conflict (name) do update set value = value + 1

-- storage rule 18: one statement for each index; by an `or` the planner read every conversation.
-- name: mark_suspect_texts
update conversations set suspect_seq = last_in_seq where id in (
  select id from (select id from conversations where due_at is not null order by due_at limit ?1)
  union
  select id from (
    select id from conversations where due_at is not null order by due_at desc limit ?1))

-- name: mark_suspect_timers
update conversations set suspect_seq = last_in_seq where id in (
  select id from conversations where timer_at is not null and due_at is null and timer_at <= ?
   order by timer_at limit ?)

-- name: add_interrupted_receipts
insert into receipts (conversation, seq, reported_at, status, provider_status)
select conversation, seq, ?, Status.UNKNOWN, 'attempt ' || attempts || ': no end known, the process ended'
  from outbound
 where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED) and status = Status.SENDING

-- name: mark_interrupted_unknown
update outbound set status = Status.UNKNOWN, due_at = ?
 where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED) and status = Status.SENDING

-- Inbound texts and claims

-- storage rule 4: a text is new only if its key is.
-- name: add_dedupe_key
insert into dedupe_keys (conversation, key, received_at) values (?, ?, ?) on conflict do nothing

-- name: assign_text_seq
insert into conversations (id, ours, theirs, last_in_seq, last_text_at, due_at)
values (?, ?, ?, 1, ?, ?)
on conflict (id) do update set
  last_in_seq = last_in_seq + 1,
  last_text_at = excluded.last_text_at,
  due_at = case when due_at is null then excluded.due_at
                when failed_attempts > 0 then due_at
                else min(due_at, excluded.due_at) end,
  failed_attempts = case when due_at is null then 0 else failed_attempts end
returning last_in_seq, lease_epoch, failed_attempts, last_turn_at,
          (select state from states where conversation = conversations.id), handled_seq,
          due_at, suspect_seq

-- An opt-out keyword has no turn: where no text waits before the keyword, it is handled at once.
-- name: assign_opt_out_seq
insert into conversations (id, ours, theirs, last_in_seq, handled_seq, last_text_at)
values (?, ?, ?, 1, 1, ?)
on conflict (id) do update set
  handled_seq = case when handled_seq = last_in_seq then last_in_seq + 1 else handled_seq end,
  last_in_seq = last_in_seq + 1,
  last_text_at = excluded.last_text_at
returning last_in_seq

-- storage rule 16: a text knows whether its sender had opted out when it came.
-- name: add_inbound
insert into inbound (conversation, seq, id, provider_id, text, raw, sent_at, received_at, status,
                     media, consent)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
        max(?11, exists (select 1 from opt_outs where conversation = ?1 and lifted_at is null)))
returning consent

-- name: opt_out
insert into opt_outs (conversation, since, ours, theirs, source, inbound_id, at_provider)
select ?1, ?2, ?3, ?4, ?5, ?6, ?7
 where not exists (select 1 from opt_outs where conversation = ?1 and lifted_at is null)
on conflict (conversation, since) do update set
  source = excluded.source, inbound_id = excluded.inbound_id, at_provider = excluded.at_provider,
  lifted_at = null, lifted_source = '', lifted_inbound_id = null

-- name: opt_out_at_provider
update opt_outs set at_provider = 1 where conversation = ? and lifted_at is null

-- name: opt_in
update opt_outs set lifted_at = ?2, lifted_source = ?3, lifted_inbound_id = ?4
 where conversation = ?1 and lifted_at is null and (not ?5 or at_provider)

-- name: open_question
select is_asking, offered_words from conversations where id = ?

-- name: cancel_queued
update outbound set status = Status.CANCELLED, error = 'opted out'
 where conversation = ? and status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
    and status = Status.QUEUED
returning seq, text, attempts

-- name: any_suspect
select 1 from conversations indexed by conversations_suspect where suspect_seq is not null limit 1

-- name: find_suspect
select id from conversations
 where suspect_seq is not null and coalesce(due_at, timer_at) <= ? and (? or due_at is not null)
 order by coalesce(due_at, timer_at) limit 1

-- name: count_suspect_attempt
update conversations set failed_attempts = failed_attempts + 1 where id = ?

-- name: uncount_suspect_attempt
update conversations set failed_attempts = failed_attempts - 1
 where id = ? and lease_epoch = ? and failed_attempts > 0 and suspect_seq is not null

-- name: claim_suspect
select c.id, c.ours, c.theirs, c.lease_epoch, c.failed_attempts - 1, c.last_turn_at, s.state, c.handled_seq,
       i.seq, i.id, i.provider_id, i.text, i.raw, i.sent_at, i.received_at, i.status,
       i.media, i.consent
  from conversations c
  left join inbound i on i.conversation = c.id and i.seq = c.handled_seq + 1
  left join states s on s.conversation = c.id
 where c.id = ?

-- storage rule 12: a claim writes no row; the leased conversations come as a JSON list.
-- name: claim_due
select c.id, c.ours, c.theirs, c.lease_epoch, c.failed_attempts, c.last_turn_at, s.state, c.handled_seq,
       i.seq, i.id, i.provider_id, i.text, i.raw, i.sent_at, i.received_at, i.status,
       i.media, i.consent
  from (select id, ours, theirs, lease_epoch, failed_attempts, last_turn_at, handled_seq, due_at
          from conversations indexed by conversations_due
         where due_at <= ?1 and suspect_seq is null
           and hex(id) not in (select value from json_each(?2))
         order by due_at limit ?3) c
  cross join inbound i on i.conversation = c.id and i.seq between c.handled_seq + 1 and c.handled_seq + 8
  left join states s on s.conversation = c.id and i.seq = c.handled_seq + 1
 order by c.due_at, c.id, i.seq

-- A text has just been stored, beside others that wait: its conversation is claimed by its id.
-- name: claim_received
select c.id, c.ours, c.theirs, c.lease_epoch, c.failed_attempts, c.last_turn_at, s.state, c.handled_seq,
       i.seq, i.id, i.provider_id, i.text, i.raw, i.sent_at, i.received_at, i.status,
       i.media, i.consent
  from conversations c
  cross join inbound i on i.conversation = c.id and i.seq between c.handled_seq + 1 and c.handled_seq + 8
  left join states s on s.conversation = c.id and i.seq = c.handled_seq + 1
 where c.id = ?1 and c.due_at <= ?2 and c.suspect_seq is null
 order by i.seq

-- name: claim_timers
select c.id, c.ours, c.theirs, c.lease_epoch, c.failed_attempts, c.last_turn_at, s.state, c.handled_seq, null
  from (select id, ours, theirs, lease_epoch, failed_attempts, last_turn_at, handled_seq, timer_at
          from conversations indexed by conversations_timer
         where timer_at <= ?1 and due_at is null
           and hex(id) not in (select value from json_each(?2))
         order by timer_at limit ?3) c
  left join states s on s.conversation = c.id
 order by c.timer_at, c.id

-- name: claim_waiting
select c.id, c.ours, c.theirs, c.lease_epoch, c.failed_attempts, c.last_turn_at, s.state, c.handled_seq, null
  from (select distinct d.conversation from dialogues d indexed by dialogues_open
         cross join conversations o on o.id = d.conversation
         where d.ended_at is null and d.conversation > ?1 and o.due_at is null and o.suspect_seq is null
           and hex(o.id) not in (select value from json_each(?2))
         order by d.conversation limit ?3) w
  join conversations c on c.id = w.conversation
  left join states s on s.conversation = c.id
 order by c.id

-- name: postpone_text
update conversations set due_at = ? where id = ? and lease_epoch = ? and due_at is not null

-- name: save_media
update inbound set media = ? where conversation = ? and seq = ? and id = ?

-- name: make_text_due
update conversations set due_at = min(due_at, ?) where id = ? and failed_attempts = 0

-- name: media_to_erase
select path from media_to_erase order by path

-- name: mark_media_erased
delete from media_to_erase where path = ?

-- name: finish_claim
update conversations set
  handled_seq = max(handled_seq, ?3),
  last_turn_at = coalesce(max(last_turn_at, ?4), ?4, last_turn_at),
  last_out_seq = last_out_seq + ?5,
  last_text_at = case when ?5 > 0 then ?6 else last_text_at end,
  failed_attempts = ?7,
  due_at = case when ?8 is not null then ?8 when last_in_seq > ?3 then due_at end,
  suspect_seq = case when suspect_seq > ?3 then suspect_seq end,
  is_asking = coalesce(?9, is_asking),
  offered_words = coalesce(?10, offered_words)
where id = ?1 and lease_epoch = ?2
returning last_out_seq, due_at

-- name: fail_text
update inbound set status = ?, error = ?, code_version = ? where conversation = ? and seq = ?

-- name: save_state
insert into states (conversation, state) values (?, ?)
on conflict (conversation) do update set state = excluded.state

-- Dialogues. A dialogue is set aside when its last turn failed and only an operator, or another
-- code version, starts the next one.

-- name: any_open_dialogue
select 1 from dialogues indexed by dialogues_open where ended_at is null limit 1

-- replay rule 16: a claim learns from the outbox what has become of each open question.
-- name: open_dialogues_of
select d.id, d.handler, d.head, d.due_at, d.failed_attempts, d.error, d.end_reason,
       o.seq, o.status, o.accepted_at,
       case when o.status <= Status.UNKNOWN then o.text end,
       case when o.status = Status.QUEUED then o.due_at end,
       case when o.status in (Status.SENDING, Status.UNKNOWN) then o.attempted_at end
  from dialogues d indexed by dialogues_open
  left join outbound o indexed by outbound_key
         on o.conversation = d.conversation and o.key = d.question_key and o.key is not null
 where d.conversation = ? and d.ended_at is null order by d.id

-- name: open_entries_of
select j.dialogue_id, j.entry
  from dialogues d indexed by dialogues_open
 cross join journal_entries j on j.conversation = d.conversation and j.dialogue_id = d.id
 where d.conversation = ? and d.ended_at is null order by d.id, j.position

-- name: insert_dialogue
insert into dialogues (conversation, id, handler, head, due_at, started_at, ended_at, end_reason,
                       question_key)
values (?1, ?2, ?3, ?4, ?5, ?6, case ?7 when '' then null else ?6 end, ?7, ?8)
on conflict (conversation, id) do nothing

-- name: save_dialogue
insert into dialogues (conversation, id, handler, head, due_at, started_at, ended_at, end_reason,
                       question_key)
values (?1, ?2, ?3, ?4, ?5, ?6, case ?7 when '' then null else ?6 end, ?7, ?8)
on conflict (conversation, id) do update set
  handler = excluded.handler, head = excluded.head, due_at = excluded.due_at,
  question_key = excluded.question_key,
  failed_attempts = 0, error = '', code_version = '',
  ended_at = excluded.ended_at, end_reason = excluded.end_reason

-- name: find_dialogue
select 1 from dialogues where conversation = ? and id = ?

-- name: add_entry
insert into journal_entries (conversation, dialogue_id, position, entry)
select ?1, ?2, ?3, ?4
 where ?3 = 0 or exists (select 1 from journal_entries
                          where conversation = ?1 and dialogue_id = ?2 and position = ?3 - 1)
on conflict (conversation, dialogue_id, position) do nothing

-- name: find_entry
select entry from journal_entries where conversation = ? and dialogue_id = ? and position = ?

-- name: fail_dialogue
update dialogues set failed_attempts = failed_attempts + 1, error = ?, due_at = ?, code_version = ?
 where conversation = ? and id = ?

-- name: set_timer
update conversations set timer_at = (
  select min(due_at) from dialogues indexed by dialogues_open
   where conversation = ?1 and ended_at is null)
 where id = ?1

-- name: add_conversation
insert into conversations (id, ours, theirs) values (?, ?, ?) on conflict (id) do nothing

-- name: is_leased
select 1 from conversations where id = ? and lease_epoch = ?

-- name: postpone_dialogues
update dialogues indexed by dialogues_open set due_at = ?1
 where conversation = ?2 and ended_at is null and due_at < ?1
   and exists (select 1 from conversations where id = ?2 and lease_epoch = ?3)

-- name: release_set_aside_dialogues
update dialogues set due_at = ?1, code_version = '', failed_attempts = 0
 where failed_attempts > 0 and due_at is null and ended_at is null and code_version not in ('', ?2)
returning conversation

-- name: release_set_aside_dialogues_of
update dialogues set due_at = ?1, code_version = '', failed_attempts = 0
 where failed_attempts > 0 and due_at is null and ended_at is null
   and (?2 is null or conversation in (
     select id from conversations where theirs <> '' and theirs = ?2))
returning conversation

-- name: save_code_version
insert into metadata (name, value) values ('code_version', ?1)
on conflict (name) do update set value = ?1 where value <> ?1

-- name: timers_version
select value from metadata where name = 'timers_version'

-- name: save_timers_version
insert into metadata (name, value) values ('timers_version', ?1)
on conflict (name) do update set value = ?1 where value <> ?1

-- name: make_retries_due
update conversations set due_at = ?1 where due_at > ?1 and failed_attempts > 0

-- name: make_timer_retries_due
update dialogues indexed by dialogues_failing set due_at = ?1
 where failed_attempts > 0 and ended_at is null and due_at > ?1
returning conversation

-- name: next_open_dialogues
select conversation, id from dialogues indexed by dialogues_handler
 where ended_at is null and handler = ?1 and (conversation, id) > (?2, ?3)
 order by conversation, id limit ?4

-- name: make_dialogue_due
update dialogues set due_at = ?1, code_version = '', failed_attempts = 0
 where conversation = ?2 and id = ?3 and ended_at is null and (due_at is null or due_at > ?1)

-- name: open_handlers
with recursive handlers (name) as (
  select min(handler) from dialogues where ended_at is null
  union all
  select (select min(d.handler) from dialogues d where d.ended_at is null and d.handler > h.name)
    from handlers h where h.name is not null
)
select name from handlers where name is not null

-- name: count_open_dialogues
select count(*) from (
  select 1 from dialogues indexed by dialogues_handler
   where ended_at is null and handler = ?1 limit ?2)

-- name: list_open_dialogues
select d.conversation, c.ours, c.theirs, s.state, d.started_at, d.ended_at,
       d.id, d.handler, d.head, d.due_at, d.failed_attempts, d.error, d.end_reason
  from dialogues d indexed by dialogues_open
  join conversations c on c.id = d.conversation
  left join states s on s.conversation = d.conversation
 where (d.conversation, d.id) > (?1, ?2) and d.ended_at is null and (?3 = '' or d.handler = ?3)
 order by d.conversation, d.id limit ?4

-- name: list_dialogues
select d.conversation, c.ours, c.theirs, s.state, d.started_at, d.ended_at,
       d.id, d.handler, d.head, d.due_at, d.failed_attempts, d.error, d.end_reason
  from dialogues d
  join conversations c on c.id = d.conversation
  left join states s on s.conversation = d.conversation
 where (d.conversation, d.id) > (?1, ?2) and (?3 = '' or d.handler = ?3)
   and d.end_reason <> 'pruned'
 order by d.conversation, d.id limit ?4

-- name: list_open_dialogue_entries
select a.conversation, a.dialogue_id, a.entry
  from dialogues d indexed by dialogues_open
  cross join journal_entries a on a.conversation = d.conversation and a.dialogue_id = d.id
 where (d.conversation, d.id) > (?1, ?2) and (d.conversation, d.id) <= (?4, ?5)
   and d.ended_at is null and (?3 = '' or d.handler = ?3)
 order by d.conversation, d.id, a.position

-- name: list_dialogue_entries
select a.conversation, a.dialogue_id, a.entry
  from dialogues d
  cross join journal_entries a on a.conversation = d.conversation and a.dialogue_id = d.id
 where (d.conversation, d.id) > (?1, ?2) and (d.conversation, d.id) <= (?4, ?5)
   and (?3 = '' or d.handler = ?3)
 order by d.conversation, d.id, a.position

-- Outbound texts

-- name: find_outbound_key
select seq from outbound where conversation = ? and key = ?

-- name: assign_outbound_seq
insert into conversations (id, ours, theirs, last_out_seq, last_text_at) values (?, ?, ?, 1, ?)
on conflict (id) do update set last_out_seq = last_out_seq + 1, last_text_at = excluded.last_text_at
returning last_out_seq, last_in_seq

-- A text to a person who opted out in the meantime, or had opted out when it was said (?13), is
-- cancelled as it is queued.
-- name: add_outbound
insert into outbound (conversation, seq, last_in_seq, ours, theirs, text, media, priority, queued_at, due_at,
                      good_until, key, status, error)
select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
       case when x.conversation is null and not ?13 then Status.QUEUED else Status.CANCELLED end,
       case when x.conversation is null and not ?13 then '' else 'opted out' end
  from (select 1) left join opt_outs x on x.conversation = ?1 and x.lifted_at is null

-- name: is_any_open
select 1 from outbound indexed by outbound_open
 where conversation = ?1 and status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN) limit 1

-- As `add_outbound`, with its first attempt recorded at once.
-- name: add_outbound_attempt
insert into outbound (conversation, seq, last_in_seq, ours, theirs, text, media, priority, queued_at, due_at,
                      good_until, key, status, error, attempts, attempted_at)
select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
       case when x.conversation is null and not ?13 then Status.SENDING else Status.CANCELLED end,
       case when x.conversation is null and not ?13 then '' else 'opted out' end,
       (x.conversation is null and not ?13),
       case when x.conversation is null and not ?13 then ?9 end
  from (select 1) left join opt_outs x on x.conversation = ?1 and x.lifted_at is null
returning status

-- delivery rule 25: a text in an attempt may be out, so it is let expire should it be queued again.
-- name: withdraw_text
update outbound set
  status = case status when Status.QUEUED then Status.CANCELLED else status end,
  error = case status when Status.QUEUED then 'no longer asked' else error end,
  good_until = case status when Status.QUEUED then good_until else ?3 end
 where conversation = ?1 and seq = ?2
    and status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)

-- name: hurry_texts
update outbound indexed by outbound_open set priority = Priority.REPLY, due_at = min(due_at, ?2)
 where conversation = ?1 and status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
    and status = Status.QUEUED and priority = Priority.PROACTIVE and attempts = 0 and key is not null
   and (queued_at, last_in_seq) in (
     select queued_at, last_in_seq from outbound indexed by outbound_open
      where conversation = ?1 and status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
         and status = Status.QUEUED and key in (select value from json_each(?3)))

-- name: expire_late
update outbound indexed by outbound_expiring set status = Status.EXPIRED, error = 'not sent in time'
 where status = Status.QUEUED and good_until is not null and good_until <= ? and ours = ?

-- A text blocks a later text of the same person, unless it is of a lower priority, waits for a time
-- that was asked for, or stays of unknown end for longer than another minute.
-- storage rule 6: opt-outs are checked here too, in the statement that takes texts.
-- name: next_texts
select o.conversation, o.seq, o.theirs, o.text, o.media, o.good_until, o.queued_at, o.provider_id,
       o.attempts, o.attempted_at, o.priority
  from outbound o indexed by outbound_queue
 where o.status = Status.QUEUED and o.ours = ?1 and o.priority = ?2 and o.due_at <= ?3
   and not exists (
     select 1 from outbound p indexed by outbound_open
      where p.conversation = o.conversation and p.seq < o.seq
         and p.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
        and p.priority <= o.priority
        and case p.status when Status.QUEUED then p.due_at <= ?3 or p.attempts > 0
                          when Status.SENDING then true
                          else p.due_at <= ?3 + 60000 end)
   and not exists (
     select 1 from opt_outs x where x.conversation = o.conversation and x.lifted_at is null)
 order by o.due_at limit ?4

-- The replies of one conversation that may be sent one after the other. A text that is no due reply
-- and blocks a reply in `next_texts` blocks it here, and with it the replies after it.
-- name: next_replies
select o.conversation, o.seq, o.theirs, o.text, o.media, o.good_until, o.queued_at, o.provider_id,
       o.attempts, o.attempted_at, o.priority
  from outbound o indexed by outbound_open
 where o.conversation = ?1 and o.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
    and o.status = Status.QUEUED and o.priority = Priority.REPLY
   and o.due_at <= ?2
   and not exists (
     select 1 from outbound p indexed by outbound_open
      where p.conversation = o.conversation and p.seq < o.seq
         and p.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
        and p.priority <= o.priority
        and case p.status when Status.QUEUED then p.due_at > ?2 and p.attempts > 0
                          when Status.SENDING then true
                          else p.due_at <= ?2 + 60000 end)
   and not exists (
     select 1 from opt_outs x where x.conversation = o.conversation and x.lifted_at is null)
 order by o.seq limit ?3

-- name: begin_attempt
update outbound set status = Status.SENDING, attempts = attempts + 1, attempted_at = ?
 where conversation = ? and seq = ?

-- name: defer_text
update outbound set status = Status.QUEUED, attempts = attempts - 1, due_at = ?3
 where conversation = ?1 and seq = ?2 and attempts = ?4 and status = Status.SENDING
   and not exists (select 1 from opt_outs where conversation = ?1 and lifted_at is null)
returning seq

-- name: cancel_attempt
update outbound set status = Status.CANCELLED, error = 'opted out'
 where conversation = ?1 and seq = ?2 and attempts = ?3 and status = Status.SENDING

-- name: accept_attempt
update outbound set status = max(status, ?), provider_id = coalesce(nullif(?, ''), provider_id),
                    attempted_at = ?, accepted_at = coalesce(accepted_at, ?), due_at = ?
 where conversation = ? and seq = ?

-- name: any_early_receipt
select 1 from receipts where conversation is null limit 1

-- name: early_receipts
select id, status, provider_status, code from receipts
 where conversation is null and provider_id = ? order by id

-- name: adopt_receipt
update receipts set conversation = ?, seq = ? where id = ?

-- name: retry_attempt
update outbound set due_at = ?3, error = ?4, accepted_at = null, status = case when exists (
    select 1 from opt_outs where conversation = ?1
       and lifted_at is null) then Status.CANCELLED else Status.QUEUED end
 where conversation = ?1 and seq = ?2 and attempts = ?5 and status in (Status.SENDING, Status.UNKNOWN)
returning status

-- name: mark_attempt_unknown
update outbound set status = Status.UNKNOWN, due_at = ?3, error = case ?4 when '' then error else ?4 end,
                    accepted_at = coalesce(accepted_at, ?6)
 where conversation = ?1 and seq = ?2 and attempts = ?5 and status in (Status.SENDING, Status.UNKNOWN)
returning status

-- name: end_attempt
update outbound set status = ?3, error = ?4
 where conversation = ?1 and seq = ?2 and attempts = ?5 and status < Status.DELIVERED
returning status

-- name: failed_text
select ours, theirs, text, media, priority, key from outbound
 where conversation = ? and seq = ? and status = Status.FAILED

-- name: mark_refused
update outbound set refused = 1 where conversation = ? and seq = ?

-- name: refused_texts
select conversation, seq, ours, theirs, text, media, priority, good_until
  from outbound indexed by outbound_refused
 where refused = 1 and (?1 is null or theirs = ?1) order by conversation, seq

-- name: is_queued
select 1 from outbound where conversation = ? and seq = ? and status = Status.QUEUED

-- name: settle_refused
update outbound set refused = 0, error = error || '; sent again' where conversation = ? and seq = ?

-- name: numbers_of
select ours, theirs from conversations where id = ?

-- name: find_by_provider_id
select conversation, seq from outbound where provider_id = ? order by queued_at desc limit 1

-- name: apply_receipt
update outbound set status = max(status, ?3),
       provider_id = coalesce(provider_id, nullif(?4, '')),
       accepted_at = case when ?3 between Status.ACCEPTED and Status.UNDELIVERED
          then coalesce(accepted_at, attempted_at) else accepted_at end,
       due_at = case when status < Status.ACCEPTED
          and ?3 in (Status.ACCEPTED, Status.SENT) then ?5 else due_at end
 where conversation = ?1 and seq = ?2 and status < Status.DELIVERED
returning status, ours, theirs, text, media, good_until, queued_at, provider_id, attempts, attempted_at

-- name: provider_id_of
select coalesce(provider_id, '') from outbound where conversation = ? and seq = ?

-- name: answered_text
select i.id from outbound o join inbound i on i.conversation = o.conversation and i.seq = o.last_in_seq
 where o.conversation = ? and o.seq = ? and o.priority = Priority.REPLY

-- name: add_receipt
insert into receipts (conversation, seq, reported_at, status, provider_status, code)
select ?1, ?2, ?3, ?4, ?5, ?6
 where not exists (select 1 from receipts
                    where conversation = ?1 and seq = ?2 and provider_status = ?5 and code = ?6)

-- name: add_early_receipt
insert into receipts (provider_id, reported_at, status, provider_status, code)
select ?1, ?2, ?3, ?4, ?5
 where not exists (select 1 from receipts
                    where conversation is null and provider_id = ?1 and provider_status = ?4 and code = ?5)

-- name: due_lookups
select conversation, seq, theirs, text, media, good_until, queued_at, provider_id, attempts, attempted_at
  from outbound
 where status = Status.UNKNOWN and due_at <= ?2 and ours = ?1 order by due_at limit ?3

-- name: due_status_checks
select conversation, seq, theirs, text, media, good_until, queued_at, provider_id, attempts, attempted_at
  from outbound
 where status in (Status.ACCEPTED, Status.SENT) and due_at <= ?2 and ours = ?1 order by due_at limit ?3

-- name: set_next_check
update outbound set due_at = ? where conversation = ? and seq = ?

-- Time

-- name: next_text_due
select due_at from conversations
 where due_at is not null and hex(id) not in (select value from json_each(?))
 order by due_at limit 1

-- name: next_timer_due
select timer_at from conversations
 where timer_at is not null and due_at is null
   and hex(id) not in (select value from json_each(?))
 order by timer_at limit 1

-- name: next_send_due
with lanes (priority) as (
  select value from json_each('[Priority.REPLY, Priority.PROACTIVE, Priority.BULK]')
)
select min(due_at) from (
  select coalesce(
    (select o.due_at from outbound o indexed by outbound_queue
      where o.status = Status.QUEUED and o.ours = ?2 and o.priority = l.priority and o.due_at <= ?1
        and not exists (
          select 1 from outbound p indexed by outbound_open
           where p.conversation = o.conversation and p.seq < o.seq
              and p.status in (Status.QUEUED, Status.SENDING, Status.UNKNOWN)
             and p.priority <= o.priority
             and case p.status when Status.QUEUED then p.due_at <= ?1 or p.attempts > 0
                               when Status.SENDING then true
                               else p.due_at <= ?1 + 60000 end)
      order by o.due_at limit 1),
    (select min(o.due_at) from outbound o indexed by outbound_queue
      where o.status = Status.QUEUED and o.ours = ?2 and o.priority = l.priority
         and o.due_at > ?1)) as due_at
    from lanes l
  union all
  select min(good_until) from outbound indexed by outbound_expiring
   where status = Status.QUEUED and good_until is not null and ours = ?2)

-- name: next_lookup_due
select min(due_at) from outbound indexed by outbound_lookups
 where status = Status.UNKNOWN and ours = ?

-- name: next_status_check_due
select min(due_at) from outbound indexed by outbound_status_checks
 where status in (Status.ACCEPTED, Status.SENT) and ours = ?

-- name: data_version
pragma data_version

-- name: prune_dedupe_keys
delete from dedupe_keys where (conversation, key) in (
  select conversation, key from dedupe_keys indexed by dedupe_keys_received where received_at < ? limit ?)

-- name: prune_early_receipts
delete from receipts where conversation is null and reported_at < ?

-- storage rule 17: what waits stays, and what proves an opt-out or keeps a key from being used again.
-- name: next_conversations
select id, handled_seq from conversations where id > ? order by id limit ?

-- name: prune_inbound
delete from inbound where conversation = ?1 and seq in (
  select seq from inbound
   where conversation = ?1 and seq <= ?3 and received_at < ?2
     and status <> InboundStatus.SET_ASIDE and id not in (
       select inbound_id from opt_outs where conversation = ?1 and inbound_id is not null
       union all
       select lifted_inbound_id from opt_outs
        where conversation = ?1 and lifted_inbound_id is not null)
   order by seq limit ?4)
returning media

-- name: prune_outbound
delete from outbound where conversation = ?1 and seq in (
  select seq from outbound
   where conversation = ?1 and key is null and status > Status.UNKNOWN and refused = 0
     and max(queued_at, coalesce(attempted_at, 0)) < ?2
   order by seq limit ?3)
returning seq

-- name: empty_outbound
update outbound set text = '', media = null, provider_id = null, error = '', due_at = null
 where conversation = ?1 and seq in (
  select seq from outbound
   where conversation = ?1 and key is not null and status > Status.UNKNOWN and refused = 0
     and max(queued_at, coalesce(attempted_at, 0)) < ?2 and (text <> '' or media is not null)
   order by seq limit ?3)
returning seq

-- name: prune_receipts
delete from receipts where conversation = ? and seq = ?

-- name: empty_dialogues
update dialogues set head = x'', error = '', question_key = null, end_reason = 'pruned'
 where conversation = ?1 and id in (
  select id from dialogues
   where conversation = ?1 and ended_at < ?2 and end_reason <> 'pruned' order by id limit ?3)
returning id

-- name: prune_entries
delete from journal_entries where conversation = ? and dialogue_id = ?

-- Our numbers

-- storage rule 18: one step of the index for each number, however many texts wait.
-- name: numbers_with_unsent
with recursive queued (ours) as (
  select min(ours) from outbound where status = Status.QUEUED
  union all
  select (select min(o.ours) from outbound o where o.status = Status.QUEUED and o.ours > q.ours)
    from queued q where q.ours is not null
), unknown (ours) as (
  select min(ours) from outbound
   where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED) and status = Status.UNKNOWN
  union all
  select (select min(o.ours) from outbound o
           where o.status in (Status.SENDING, Status.UNKNOWN, Status.FAILED)
             and o.status = Status.UNKNOWN and o.ours > u.ours)
    from unknown u where u.ours is not null
)
select ours from queued where ours is not null
union
select ours from unknown where ours is not null

-- name: numbers_with_checks
with recursive checked (ours) as (
  select min(ours) from outbound indexed by outbound_status_checks
   where status in (Status.ACCEPTED, Status.SENT)
  union all
  select (select min(o.ours) from outbound o indexed by outbound_status_checks
           where o.status in (Status.ACCEPTED, Status.SENT) and o.ours > c.ours)
    from checked c where c.ours is not null
)
select ours from checked where ours is not null

-- name: add_our_number
insert into numbers (ours) values (?) on conflict (ours) do nothing

-- name: our_numbers
select ours from numbers order by ours

-- name: get_cursor
select cursor from numbers where ours = ?

-- name: set_cursor
insert into numbers (ours, cursor) values (?, ?)
on conflict (ours) do update set cursor = excluded.cursor

-- name: count_lost_read
insert into numbers (ours, lost_reads) values (?, 1)
on conflict (ours) do update set lost_reads = lost_reads + 1

-- name: secrets
select value from secrets where name = ? order by age

-- name: add_secret
insert into secrets (name, value) values (?, ?)

-- name: age_secret
update secrets set age = 1 where name = ?

-- name: retire_secret
delete from secrets where name = ? and age = 1

-- For operators

-- storage rule 18: a limit of -1 is none. Each count is read from an index, and no further than the limit.
-- name: count_all
select
  (select count(*) from (select 1 from conversations where theirs <> '' limit ?1)),
  (select coalesce(sum(n), 0) from (
     select last_in_seq - handled_seq as n from conversations where due_at is not null limit ?1)),
  (select count(*) from (select 1 from inbound where status = InboundStatus.SET_ASIDE limit ?1)),
  (select count(*) from (select 1 from outbound where status = Status.QUEUED limit ?1)),
  (select count(*) from (
     select 1 from outbound where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED)
        and status = Status.SENDING limit ?1)),
  (select count(*) from (
     select 1 from outbound where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED)
        and status = Status.UNKNOWN limit ?1)),
  (select count(*) from (
     select 1 from outbound where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED)
        and status = Status.FAILED limit ?1)),
  (select count(*) from (select 1 from opt_outs where lifted_at is null limit ?1)),
  (select coalesce(sum(lost_reads), 0) from numbers),
  (select coalesce(sum(value), 0) from metadata where name = 'unclean_exits'),
  (select count(*) from (
     select 1 from dialogues indexed by dialogues_handler where ended_at is null limit ?1)),
  (select count(*) from (
     select 1 from dialogues
      where failed_attempts > 0 and due_at is null and ended_at is null limit ?1)),
  (select count(*) from (
     select 1 from outbound indexed by outbound_refused where refused = 1 limit ?1))

-- storage rule 27: the rows are read in their own order, once; by an index they would be read one
-- by one. So the condition is not that of the partial index on theirs.

-- name: list_conversations
select c.id, c.ours, c.theirs,
       (select count(*) from inbound where conversation = c.id),
       (select count(*) from outbound where conversation = c.id),
       c.last_text_at, c.last_in_seq - c.handled_seq,
       (select count(*) from inbound where conversation = c.id and status = InboundStatus.SET_ASIDE)
         + (select count(*) from dialogues where conversation = c.id
               and failed_attempts > 0 and due_at is null and ended_at is null),
       (select count(*) from outbound where conversation = c.id and status = Status.UNKNOWN),
       (select count(*) from outbound indexed by outbound_refused
         where refused = 1 and conversation = c.id),
       exists (select 1 from opt_outs where conversation = c.id and lifted_at is null)
  from (select id, ours, theirs, last_text_at, last_in_seq, handled_seq from conversations v
         where theirs > '' and (?1 = '' or ours = ?1) and substr(theirs, 1, length(?2)) = ?2
           and coalesce(last_text_at, 0) >= ?3 and (?4 = 0 or due_at is not null)
           and (?5 = 0 or exists (select 1 from opt_outs where conversation = v.id and lifted_at is null))
           and (?6 = 0 or id in (
             select conversation from inbound where status = InboundStatus.SET_ASIDE
             union
             select conversation from outbound where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED)
                and status = Status.UNKNOWN
             union
             select conversation from outbound indexed by outbound_refused where refused = 1
             union
             select conversation from dialogues
              where failed_attempts > 0 and due_at is null and ended_at is null))
           and (?7 is null or (coalesce(last_text_at, 0), id) < (?7, ?8))
         order by coalesce(last_text_at, 0) desc, id desc limit ?9) c
 order by coalesce(c.last_text_at, 0) desc, c.id desc

-- name: count_conversations
select count(*) from conversations v
 where theirs > '' and (?1 = '' or ours = ?1) and substr(theirs, 1, length(?2)) = ?2
   and coalesce(last_text_at, 0) >= ?3 and (?4 = 0 or due_at is not null)
   and (?5 = 0 or exists (select 1 from opt_outs where conversation = v.id and lifted_at is null))
   and (?6 = 0 or id in (
     select conversation from inbound where status = InboundStatus.SET_ASIDE
     union
     select conversation from outbound where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED)
        and status = Status.UNKNOWN
     union
     select conversation from outbound indexed by outbound_refused where refused = 1
     union
     select conversation from dialogues
      where failed_attempts > 0 and due_at is null and ended_at is null))

-- name: history_in
select i.seq, i.received_at, i.text, i.status, i.error, i.media, c.handled_seq, c.failed_attempts
  from inbound i join conversations c on c.id = i.conversation
 where i.conversation = ? and i.seq <= ? order by i.seq desc limit ?

-- name: history_out
select seq, queued_at, last_in_seq, text, status, error, media, attempts, coalesce(provider_id, '')
  from outbound
 where conversation = ? and (text <> '' or media is not null)
   and (? or status not in (Status.CANCELLED, Status.EXPIRED, Status.FAILED))
 order by seq desc limit ?

-- name: receipts_of
select provider_status, code from receipts where conversation = ? and seq = ? order by id

-- name: list_opt_outs
select o.since, o.source, coalesce(i.text, ''), o.lifted_at, o.lifted_source, coalesce(l.text, '')
  from opt_outs o
  left join inbound i on i.conversation = o.conversation and i.id = o.inbound_id
  left join inbound l on l.conversation = o.conversation and l.id = o.lifted_inbound_id
 where o.conversation = ? order by o.since

-- name: set_aside_of
select i.conversation, i.seq from inbound i
  join conversations c on c.id = i.conversation
 where i.status = InboundStatus.SET_ASIDE
    and (?1 is null or c.theirs = ?1) order by i.conversation, i.seq

-- name: set_aside_by_other_version
select conversation, seq from inbound
 where status = InboundStatus.SET_ASIDE and code_version not in ('', ?) order by conversation, seq

-- name: append_again
update conversations set
  last_in_seq = last_in_seq + 1,
  due_at = case when due_at is null then ?2
                when failed_attempts > 0 then due_at
                else min(due_at, ?2) end,
  failed_attempts = case when due_at is null then 0 else failed_attempts end
where id = ?1
returning last_in_seq

-- name: requeue_inbound
update inbound set seq = ?1, status = InboundStatus.PENDING, error = '', code_version = '',
       consent = max(consent, exists (
         select 1 from opt_outs where conversation = ?2 and lifted_at is null))
   where conversation = ?2 and seq = ?3

-- name: unknown_of
select conversation, seq, attempts from outbound
 where status in (Status.SENDING, Status.UNKNOWN, Status.FAILED) and status = Status.UNKNOWN
    and (?1 is null or theirs = ?1)
 order by conversation, seq

-- name: conversations_of
select id from conversations where theirs <> '' and theirs = ?

-- name: media_of
select media from inbound where conversation = ? and media is not null

-- name: queue_media_erasure
insert into media_to_erase (path) values (?) on conflict (path) do nothing

-- name: forget_state
delete from states where conversation = ?

-- name: forget_dialogues
delete from dialogues where conversation = ?

-- name: forget_journal_entries
delete from journal_entries where conversation = ?

-- name: forget_inbound
delete from inbound where conversation = ?

-- name: forget_outbound
delete from outbound where conversation = ?

-- name: forget_receipts
delete from receipts where conversation = ?

-- storage rule 9: what stays of a forgotten person lies under a keyed id, without numbers.
-- name: move_opt_outs
update or replace opt_outs set conversation = ?2, ours = ?3, theirs = ?4 where conversation = ?1

-- name: move_dedupe_keys
update or replace dedupe_keys set conversation = ?2 where conversation = ?1

-- name: move_conversation
update or replace conversations set
  id = ?2, ours = ?3, theirs = ?4, handled_seq = last_in_seq, last_turn_at = null,
  last_text_at = null, due_at = null, timer_at = null, failed_attempts = 0, suspect_seq = null,
  is_asking = 0, offered_words = '', lease_epoch = lease_epoch + 1
 where id = ?1

-- name: remove_conversation
delete from conversations where id = ?

-- name: find_conversation
select 1 from conversations where id = ?

-- name: find_dedupe_key
select 1 from dedupe_keys where conversation = ? and key = ?

-- name: remove_dedupe_key
delete from dedupe_keys where conversation = ? and key = ?

-- name: opt_outs_alone_of
select conversation from opt_outs o where theirs = ? and theirs <> ''
   and not exists (select 1 from conversations where id = o.conversation)

-- name: get_metadata
select value from metadata where name = ?

-- name: set_metadata
insert into metadata (name, value) values (?1, ?2) on conflict (name) do update set value = ?2

-- name: remove_metadata
delete from metadata where name = ?

-- name: unkeyed_conversations
select id from conversations where theirs = ''

-- name: give_up_dedupe_keys
delete from dedupe_keys where conversation in (select id from conversations where theirs = '')

-- name: give_up_opt_outs
delete from opt_outs where conversation in (select id from conversations where theirs = '')

-- name: give_up_conversations
delete from conversations where theirs = ''

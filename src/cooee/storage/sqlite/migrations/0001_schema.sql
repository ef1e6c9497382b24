-- The whole schema. Times are integer milliseconds UTC, ids are 16-byte blobs.

-- storage rule 1: one narrow row for each conversation is queue entry, lease, counters and timer.
-- Both numbers are '' once the person is forgotten: the counters stay, so that no id is given twice.
create table conversations (
  id              blob primary key,           -- a hash of ours|theirs
  ours            text not null,
  theirs          text not null,
  last_in_seq     integer not null default 0, -- the number of the last text in
  handled_seq     integer not null default 0, -- every text up to this number is handled
  last_out_seq    integer not null default 0, -- the number of the last text out
  last_turn_at    integer,                    -- the conversation's own clock, which never goes back
  last_text_at    integer,                    -- of the last text in either direction
  due_at          integer,                    -- when the oldest pending text is answered; null: no text is pending
  timer_at        integer,                    -- when the first of its dialogues is due; fires while no text is pending
  lease_epoch     integer not null default 0, -- raised by whoever takes the conversation away from a turn
  failed_attempts integer not null default 0, -- of the oldest pending text or, for a suspect without one, of the first timer
  suspect_seq     integer,                    -- a text up to this number or, where none is pending, the first timer may have killed the process
  is_asking       integer not null default 0  -- 1: a question waits for the person's next text
) strict, without rowid;
create index conversations_due     on conversations (due_at) where due_at is not null;
create index conversations_timer   on conversations (timer_at) where timer_at is not null and due_at is null;
create index conversations_suspect on conversations (coalesce(due_at, timer_at)) where suspect_seq is not null;
create index conversations_theirs  on conversations (theirs) where theirs <> '';

create table states (
  conversation blob primary key,
  state        blob not null
) strict, without rowid;

create table inbound (
  conversation blob not null,
  seq          integer not null,
  id           blob not null,
  provider_id  text not null,
  text         text not null,
  raw          blob not null,
  sent_at      integer,
  received_at  integer not null,
  status       integer not null default 0, -- `InboundStatus`
  error        text not null default '',
  media        blob,                       -- a JSON list, with the path or the error of each
  code_version text not null default '',   -- set aside until the app's code version differs; '': until an operator retries
  primary key (conversation, seq)
) strict, without rowid;
create index inbound_set_aside on inbound (conversation, seq) where status = 1;

create table dedupe_keys (
  conversation blob not null,
  key          blob not null,
  received_at  integer not null,
  primary key (conversation, key)
) strict, without rowid;
create index dedupe_keys_received on dedupe_keys (received_at);

-- Many dialogues of a person may sleep, one may ask. The head is a journal without its entries, as
-- JSON; it is rewritten once a turn, and an entry is inserted once.
create table dialogues (
  conversation    blob not null,
  id              text not null,
  handler         text not null,
  head            blob not null,
  due_at          integer,                    -- of its next turn; null: only a text starts one
  failed_attempts integer not null default 0, -- turns in a row that failed
  error           text not null default '',
  code_version    text not null default '',   -- its timer is set aside until the app's code version differs
  started_at      integer not null,
  ended_at        integer,
  end_reason      text not null default '',
  primary key (conversation, id)
) strict, without rowid;
create index dialogues_open    on dialogues (conversation, id) where ended_at is null;
create index dialogues_handler on dialogues (handler, ended_at) where ended_at is null; -- counted without their rows
create index dialogues_failing on dialogues (conversation) where failed_attempts > 0 and ended_at is null;

create table journal_entries (
  conversation blob not null,
  dialogue_id  text not null,
  position     integer not null,
  entry        blob not null,              -- JSON
  primary key (conversation, dialogue_id, position)
) strict, without rowid;

create table outbound (
  conversation blob not null,
  seq          integer not null,
  last_in_seq  integer not null,           -- the last text in when this text was written
  ours         text not null,
  theirs       text not null,
  text         text not null,
  media        text,                       -- a JSON list
  priority     integer not null,           -- `Priority`
  queued_at    integer not null,
  due_at       integer,                    -- of the next attempt, or of the next look-up or status check
  good_until   integer,
  status       integer not null,           -- `Status`
  attempts     integer not null default 0,
  attempted_at integer,                    -- of the last attempt, or of its acceptance
  provider_id  text,
  key          text,
  error        text not null default '',
  primary key (conversation, seq)
) strict, without rowid;
create index outbound_queue         on outbound (ours, priority, due_at) where status = 0;
create index outbound_expiring      on outbound (good_until) where status = 0 and good_until is not null;
create index outbound_open          on outbound (conversation, seq) where status in (0, 1, 2);
create index outbound_lookups       on outbound (due_at) where status = 2;
create index outbound_status_checks on outbound (due_at) where status in (3, 4);
create index outbound_troubled      on outbound (status) where status in (2, 7);
create index outbound_provider_id   on outbound (provider_id) where provider_id is not null;
create unique index outbound_key on outbound (conversation, key) where key is not null;

-- Receipts, and our own notes on attempts; a receipt that came before its text's provider_id was
-- recorded has no conversation.
create table receipts (
  id              integer primary key,
  conversation    blob,
  seq             integer,
  provider_id     text not null default '',
  reported_at     integer not null,
  status          integer not null,
  provider_status text not null,
  code            text not null default ''
) strict;
create index receipts_outbound on receipts (conversation, seq) where conversation is not null;
create index receipts_early    on receipts (provider_id) where conversation is null;

-- Keyed by the conversation's hash, so that an opt-out outlives the person's number.
create table opt_outs (
  conversation      blob not null,
  since             integer not null,
  ours              text not null,
  theirs            text not null,
  source            text not null,         -- `ConsentSource`
  inbound_id        blob,                  -- the text that opted out; null: there was none
  lifted_at         integer,
  lifted_source     text not null default '',
  lifted_inbound_id blob,
  primary key (conversation, since)
) strict, without rowid;
create unique index opt_outs_active on opt_outs (conversation) where lifted_at is null;

create table numbers (
  ours       text primary key,
  cursor     text not null default '',
  lost_reads integer not null default 0
) strict, without rowid;

-- Age 0 is the newest value; age 1 the value before, which is valid until it is retired.
create table secrets (
  name  text not null,
  age   integer not null default 0,
  value text not null,
  primary key (name, age)
) strict, without rowid;

-- Paths of the media of forgotten people, until the files are erased.
create table media_to_erase (path text primary key) strict, without rowid;

-- running: an owner has the file open; unclean_exits: how often an owner left without closing it;
-- code_version: a hash of the app's last code version.
create table metadata (name text primary key, value integer not null) strict, without rowid;

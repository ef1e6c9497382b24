-- Times are integer milliseconds UTC, ids are 16-byte blobs.

-- One narrow row for each conversation: queue entry, lease, counters and timer. Both numbers are
-- '' once the person is forgotten: the counters stay, so that no id is ever given out twice.
create table conversations (
  id       blob primary key,           -- a hash of ours|theirs
  ours     text not null,
  theirs   text not null,
  last_in  integer not null default 0, -- the number of the last text in
  handled  integer not null default 0, -- every text up to this one is over
  last_out integer not null default 0, -- the number of the last text out
  now_at   integer,                    -- the conversation's own clock, which never goes back
  spoke_at integer,                    -- when either side last said something
  due_at   integer,                    -- when the oldest pending text is to be answered; null: none is
  lease    integer not null default 0, -- bumped by whoever takes the conversation away from a turn
  attempts integer not null default 0, -- turns of the oldest pending text that failed
  suspect  integer,                    -- a text up to this number may have killed the process
  asked    integer not null default 0  -- 1: a question waits for the person's next text
) strict, without rowid;
create index conversations_due     on conversations (due_at) where due_at is not null;
create index conversations_suspect on conversations (due_at) where suspect is not null;
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
  status       integer not null default 0, -- 0 in order, 1 set aside, 2 an opt-out word
  error        text not null default '',
  media        blob,                   -- a JSON list, with what became of each
  primary key (conversation, seq)
) strict, without rowid;
create index inbound_aside on inbound (conversation, seq) where status = 1;

create table seen (
  conversation blob not null,
  key          blob not null,
  at           integer not null,
  primary key (conversation, key)
) strict, without rowid;
create index seen_at on seen (at);

create table outbound (
  conversation blob not null,
  seq          integer not null,
  turn         integer not null,       -- the last text in that had been heard when this was written
  ours         text not null,
  theirs       text not null,
  text         text not null,
  media        text,                   -- a JSON list
  class        integer not null,
  queued_at    integer not null,
  due_at       integer,                -- of the next attempt, or of the next question to the provider
  good_until   integer,
  status       integer not null,
  attempts     integer not null default 0,
  since        integer,                -- of the last attempt, or of its acceptance
  provider_id  text,
  key          text,
  error        text not null default '',
  primary key (conversation, seq)
) strict, without rowid;
create index outbound_queue    on outbound (ours, class, due_at) where status = 0;
create index outbound_late     on outbound (good_until) where status = 0 and good_until is not null;
create index outbound_open     on outbound (conversation, seq) where status in (0, 1, 2);
create index outbound_doubtful on outbound (due_at) where status = 2;
create index outbound_reported on outbound (due_at) where status in (3, 4);
create index outbound_trouble  on outbound (status) where status in (2, 7);
create index outbound_provider on outbound (provider_id) where provider_id is not null;
create unique index outbound_key on outbound (conversation, key) where key is not null;

-- News of our texts, and our own notes on them; a receipt that came too early has no conversation.
create table receipts (
  id           integer primary key,
  conversation blob,
  seq          integer,
  provider_id  text not null default '',
  at           integer not null,
  status       integer not null,
  word         text not null,
  code         text not null default ''
) strict;
create index receipts_of    on receipts (conversation, seq) where conversation is not null;
create index receipts_early on receipts (provider_id) where conversation is null;

-- Keyed by the conversation's hash, so that an opt-out outlives the person's number.
create table optouts (
  conversation blob not null,
  since        integer not null,
  ours         text not null,
  theirs       text not null,
  how          text not null,
  inbound      blob,                   -- the text that said so; null: none did
  lifted_at    integer,
  lifted_how   text not null default '',
  lifted_by    blob,
  primary key (conversation, since)
) strict, without rowid;
create unique index optouts_active on optouts (conversation) where lifted_at is null;

create table numbers (
  ours           text primary key,
  cursor         text not null default '',
  doubtful_reads integer not null default 0
) strict, without rowid;

-- rank 0 is the newest word; 1 is the one before it, which is good until it is retired.
create table secrets (
  name text not null,
  rank integer not null default 0,
  word text not null,
  primary key (name, rank)
) strict, without rowid;

-- Media of people who were forgotten: their paths, until what lies there is erased.
create table discarded (path text primary key) strict, without rowid;

-- running: an owner has the file open; unclean_exits: how often one left without closing it.
create table marks (name text primary key, value integer not null) strict, without rowid;

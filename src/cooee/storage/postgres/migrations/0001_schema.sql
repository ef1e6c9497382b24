-- The whole schema, as SQLite has it after its own migrations, with what many processes need.
-- Times are integer milliseconds UTC, ids are 16 bytes; text is compared byte by byte, as SQLite does.

-- Every process that claims or sends. A number is never given out twice (storage rule 20).
create sequence worker_ids as integer;
create table workers (
  id           integer primary key,
  name         text not null,              -- of the machine and the process, for people
  code_version text not null default '' collate "C",
  began_at     timestamptz not null,       -- the server's clock here and below, and nobody else's
  alive_until  timestamptz not null
) with (fillfactor = 50);

-- What one worker does for a number at a time: polling, sending.
create table number_roles (
  ours   text not null collate "C",
  role   text not null collate "C",
  worker integer not null,
  until  timestamptz not null,
  primary key (ours, role)
) with (fillfactor = 50);

-- storage rule 22: the last transaction that each connection committed.
create table commit_marks (
  connection bigint primary key,           -- a random number of the process's
  mark       bigint not null,              -- of the transaction
  marked_at  timestamptz not null
) with (fillfactor = 20, autovacuum_vacuum_threshold = 1000);

-- storage rule 1: one narrow row for each conversation is queue entry, lease, counters and timer.
-- Both numbers are '' once the person is forgotten: the counters stay, so that no id is given twice.
create table conversations (
  id              bytea primary key,               -- a hash of ours|theirs
  ours            text not null collate "C",
  theirs          text not null collate "C",
  last_in_seq     bigint not null default 0,       -- the number of the last text in
  handled_seq     bigint not null default 0,       -- every text up to this number is handled
  last_out_seq    bigint not null default 0,       -- the number of the last text out
  last_turn_at    bigint,                          -- the conversation's own clock, which never goes back
  last_text_at    bigint,                          -- of the last text in either direction
  due_at          bigint,                          -- when the oldest pending text is answered; null: no text is pending
  timer_at        bigint,                          -- when the first of its dialogues is due; fires while no text is pending
  lease           bigint,                          -- of the worker that plays its turns: worker << 32 | a count; null: none does
  timer_worker    integer,                         -- the worker that leases it while no text is pending; so the leases of the dead are found by an index
  reserved_for    text collate "C",                -- the code version whose workers play the next turn, while one lives; null: any
  failed_attempts integer not null default 0,      -- of the oldest pending text or, for a suspect without one, of the first timer
  suspect_seq     bigint,                          -- a text up to this number or, where none is pending, the first timer may have killed a process
  is_asking       boolean not null default false,  -- a question waits for the person's next text
  offered_words   text not null default '' collate "C", -- the opt-out words that this question offers as answers, folded, a line each
  opted_out       boolean not null default false   -- storage rule 21: the ledger's last word, under the row's lock
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
create index conversations_due     on conversations (due_at) where due_at is not null;
create index conversations_timer   on conversations (timer_at) where timer_at is not null and due_at is null;
create index conversations_suspect on conversations (coalesce(due_at, timer_at)) where suspect_seq is not null;
create index conversations_leased  on conversations (timer_worker) where timer_worker is not null;
create index conversations_theirs  on conversations (theirs) where theirs <> '';

create table states (
  conversation bytea primary key,
  state        bytea not null
) with (fillfactor = 80);

create table inbound (
  conversation bytea not null,
  seq          bigint not null,
  id           bytea not null,
  provider_id  text not null collate "C",
  text         text not null collate "C",
  raw          bytea not null,
  sent_at      bigint,
  received_at  bigint not null,
  status       smallint not null default 0,        -- `InboundStatus`
  error        text not null default '' collate "C",
  media        bytea,                              -- a JSON list, with the path or the error of each
  code_version text not null default '' collate "C", -- set aside until the app's code version differs; '': until an operator retries
  consent      smallint not null default 0,        -- `SenderConsent`
  primary key (conversation, seq)
);
create index inbound_set_aside on inbound (conversation, seq) where status = 1;

create table dedupe_keys (
  conversation bytea not null,
  key          bytea not null,
  received_at  bigint not null,
  primary key (conversation, key)
);
create index dedupe_keys_received on dedupe_keys (received_at);

-- Many dialogues of a person may sleep, one may ask. The head is a journal without its entries, as
-- JSON; it is rewritten once a turn, and an entry is inserted once.
create table dialogues (
  conversation    bytea not null,
  id              text not null collate "C",
  handler         text not null collate "C",
  head            bytea not null,
  due_at          bigint,                          -- of its next turn; null: only a text starts one
  failed_attempts integer not null default 0,      -- turns in a row that failed
  error           text not null default '' collate "C",
  code_version    text not null default '' collate "C", -- its timer is set aside until the app's code version differs
  started_at      bigint not null,
  ended_at        bigint,
  end_reason      text not null default '' collate "C",
  question_key    text collate "C",                -- the key of the outbound that asks its question; null: there is none
  primary key (conversation, id)
) with (fillfactor = 80);
create index dialogues_open    on dialogues (conversation, id) where ended_at is null;
create index dialogues_handler on dialogues (handler, ended_at) where ended_at is null; -- counted without their rows
create index dialogues_failing on dialogues (conversation) where failed_attempts > 0 and ended_at is null;

create table journal_entries (
  conversation bytea not null,
  dialogue_id  text not null collate "C",
  position     integer not null,
  entry        bytea not null,                     -- JSON
  primary key (conversation, dialogue_id, position)
);

create table outbound (
  conversation bytea not null,
  seq          bigint not null,
  last_in_seq  bigint not null,                    -- the last text in when this text was written
  ours         text not null collate "C",
  theirs       text not null collate "C",
  text         text not null collate "C",
  media        text collate "C",                   -- a JSON list
  priority     smallint not null,                  -- `Priority`
  queued_at    bigint not null,
  due_at       bigint,                             -- of the next attempt, or of the next look-up or status check
  good_until   bigint,
  status       smallint not null,                  -- `Status`
  attempts     integer not null default 0,
  attempted_at bigint,                             -- of the last attempt, or of its acceptance
  accepted_at  bigint,                             -- when the provider took it; null: not known to have
  provider_id  text collate "C",
  key          text collate "C",
  error        text not null default '' collate "C",
  refused      boolean not null default false,     -- an operator may send it again
  sender       integer,                            -- the worker that makes the attempt under way
  primary key (conversation, seq)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
create index outbound_queue         on outbound (ours, priority, due_at) where status = 0;
create index outbound_expiring      on outbound (ours, good_until) where status = 0 and good_until is not null;
create index outbound_open          on outbound (conversation, seq) where status in (0, 1, 2);
create index outbound_sending       on outbound (sender) where status = 1;
create index outbound_lookups       on outbound (ours, due_at) where status = 2;
create index outbound_status_checks on outbound (ours, due_at) where status in (3, 4);
create index outbound_troubled      on outbound (status, ours) where status in (1, 2, 7);
create index outbound_provider_id   on outbound (provider_id) where provider_id is not null;
create index outbound_refused       on outbound (conversation, seq) where refused;
create unique index outbound_key    on outbound (conversation, key) where key is not null;

-- Receipts, and our own notes on attempts; a receipt that came before its text's provider_id was
-- recorded has no conversation.
create table receipts (
  id              bigint generated always as identity primary key,
  conversation    bytea,
  seq             bigint,
  provider_id     text not null default '' collate "C",
  reported_at     bigint not null,
  status          smallint not null,
  provider_status text not null collate "C",
  code            text not null default '' collate "C"
);
create index receipts_outbound on receipts (conversation, seq) where conversation is not null;
create index receipts_early    on receipts (provider_id) where conversation is null;

-- Keyed by the conversation's hash, so that an opt-out outlives the person's number.
create table opt_outs (
  conversation      bytea not null,
  since             bigint not null,
  ours              text not null collate "C",
  theirs            text not null collate "C",
  source            text not null collate "C",     -- `ConsentSource`
  inbound_id        bytea,                         -- the text that opted out; null: there was none
  lifted_at         bigint,
  lifted_source     text not null default '' collate "C",
  lifted_inbound_id bytea,
  at_provider       boolean not null default false, -- the provider itself keeps it, so that its own words lift it
  primary key (conversation, since)
);
create unique index opt_outs_active on opt_outs (conversation) where lifted_at is null;

create table numbers (
  ours       text primary key collate "C",
  cursor     text not null default '' collate "C",
  lost_reads bigint not null default 0
);

-- Age 0 is the newest value; age 1 the value before, which is valid until it is retired.
create table secrets (
  name  text not null collate "C",
  age   integer not null default 0,
  value text not null collate "C",
  primary key (name, age)
);

-- Paths of the media of forgotten people, until the files are erased.
create table media_to_erase (path text primary key collate "C");

-- unclean_exits: how many workers ended without a word; code_version: a hash of the app's last code
-- version; timers_version: of that whose timers are set; key_check: a hash of the forgotten people's key.
create table metadata (name text primary key collate "C", value bigint not null);

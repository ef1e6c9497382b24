-- Dialogues: many of a person's may sleep, one may ask.

-- When the first of a conversation's dialogues is to be looked at again; null: none is. It rings
-- while no text is pending. A suspect is now whoever may have killed the process: a text up to
-- that number or, where none is pending, the first alarm; `attempts` are the suspect's too.
alter table conversations add column timer_at integer;
create index conversations_timer on conversations (timer_at) where timer_at is not null and due_at is null;
drop index conversations_suspect;
create index conversations_suspect on conversations (coalesce(due_at, timer_at)) where suspect is not null;

-- Set aside only until the app's code is another than this; '': until a person says so.
alter table inbound add column program text not null default '';

-- The head is a journal without its entries, as JSON; it is rewritten once a turn, and an answer
-- is inserted once.
create table dialogues (
  conversation blob not null,
  id           text not null,
  handler      text not null,
  head         blob not null,
  due_at       integer,                -- when it is to be looked at again; null: only a text does that
  attempts     integer not null default 0, -- looks that failed since one went well
  error        text not null default '',
  program      text not null default '', -- its alarm is set aside until the app's code is another than this
  started_at   integer not null,
  ended_at     integer,
  ended        text not null default '',
  primary key (conversation, id)
) strict, without rowid;
create index dialogues_open    on dialogues (conversation, id) where ended_at is null;
create index dialogues_handler on dialogues (handler, ended_at) where ended_at is null; -- counted without their rows
create index dialogues_failing on dialogues (conversation) where attempts > 0 and ended_at is null;

create table answers (
  conversation blob not null,
  dialogue     text not null,
  n            integer not null,
  entry        blob not null,          -- one entry of a journal, as JSON
  primary key (conversation, dialogue, n)
) strict, without rowid;

-- One more mark: program, the app's code as it was last.

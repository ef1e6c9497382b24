-- What a text, a question and an opt-out have to do with each other.

-- `SenderConsent`: of the sender when the text was stored, so that a text from a person who had
-- opted out answers no question, however late its turn is.
alter table inbound add column consent integer not null default 0;

-- The opt-out words that the waiting question offers as answers, folded, a line each.
alter table conversations add column offered_words text not null default '';

-- 1: the provider itself keeps the opt-out, so that its own words lift it.
alter table opt_outs add column at_provider integer not null default 0;
update opt_outs set at_provider = 1 where source in ('provider', 'refused');

-- Texts that wait for their turn while the schema changes.
update inbound set consent = 2
 where (conversation, id) in (select conversation, lifted_inbound_id from opt_outs
                               where lifted_inbound_id is not null);

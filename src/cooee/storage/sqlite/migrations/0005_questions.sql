-- What has become of a question's text, for replay rule 16 and delivery rule 25.

-- When the provider took it; null: not known to have.
alter table outbound add column accepted_at integer;

-- Of texts from before, the last attempt is the nearest to it that is known.
update outbound set accepted_at = attempted_at where status between 3 and 6; -- `Status`

-- The key of the outbound that asks the dialogue's question; null: there is none.
alter table dialogues add column question_key text;

-- Texts that the provider refused for good.

-- 1: an operator may send the text again. 0: nobody asks for it; it tells of a refusal itself, it
-- was sent again, or its person had opted out.
alter table outbound add column refused integer not null default 0;
create index outbound_refused on outbound (conversation, seq) where refused = 1;

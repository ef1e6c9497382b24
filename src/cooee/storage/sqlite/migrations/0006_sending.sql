-- Texts in an attempt are found without reading those that wait, and numbers without their texts.

drop index outbound_troubled;
create index outbound_troubled on outbound (status, ours) where status in (1, 2, 7);

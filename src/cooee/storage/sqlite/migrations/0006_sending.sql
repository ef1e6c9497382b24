-- Texts in an attempt are found without reading those that wait, and the texts of one of our numbers
-- without reading another's.

drop index outbound_troubled;
create index outbound_troubled      on outbound (status, ours) where status in (1, 2, 7);
drop index outbound_expiring;
create index outbound_expiring      on outbound (ours, good_until) where status = 0 and good_until is not null;
drop index outbound_lookups;
create index outbound_lookups       on outbound (ours, due_at) where status = 2;
drop index outbound_status_checks;
create index outbound_status_checks on outbound (ours, due_at) where status in (3, 4);

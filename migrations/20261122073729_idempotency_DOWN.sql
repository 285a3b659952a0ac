-- LOSES DATA: the answers that are kept; a request that is repeated across this is carried out again.

drop table idempotency_keys;

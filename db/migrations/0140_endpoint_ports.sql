-- A port that no client could dial was taken: 0, and what is beyond 65535. `not valid`, because a row that has one
-- is its operator's to change, and until then the rest of the upgrade should not fail over it.
alter table wg_interfaces
  drop constraint wg_interfaces_endpoint_has_a_port,
  add constraint wg_interfaces_endpoint_has_a_port check (
    endpoint ~ '^[^[:space:][:cntrl:]]{1,253}:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$'
  ) not valid;

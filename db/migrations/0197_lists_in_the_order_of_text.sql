-- A page in the order of addresses or names reads its own rows alone; without these it sorts the whole tenant. Of 100,000
-- users the two are made within a second, in which nobody logs in and none is made or changed; where that is too long, the
-- same statements with `concurrently` make them before. A log-in changes nothing that is in them, nor does the daemon.
create index if not exists users_by_email on users (tenant_id, email collate "C", id);
create index if not exists users_by_name on users (tenant_id, name collate "C", id);
create index if not exists wg_peers_by_name on wg_peers (tenant_id, name collate "C", id);

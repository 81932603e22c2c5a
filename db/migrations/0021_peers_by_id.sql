-- The daemon looks peers up by nothing but their id: that is all a notification says, and all the API asks with.
-- Without this index every change reads all rows of all tenants. It is not unique, so it leads across no tenants.

create index wg_peers_by_id on wg_peers (id);

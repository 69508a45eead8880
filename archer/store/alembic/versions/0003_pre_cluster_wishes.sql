-- What people ask of a cluster and whether it answers are two facts; `state` mixed them in one word.
-- The previous release still reads and writes `state`; a later migration drops it.
ALTER TABLE clusters
    ADD COLUMN wanted_state  text NOT NULL DEFAULT 'active',
    ADD COLUMN wanted_by     text,
    ADD COLUMN wanted_at     timestamptz,
    ADD COLUMN wanted_reason text NOT NULL DEFAULT '',
    ADD COLUMN is_reachable  boolean NOT NULL DEFAULT true,
    ADD COLUMN removed_at    timestamptz,
    ADD CONSTRAINT wanted_state_known CHECK (wanted_state IN ('active', 'cordoned', 'drained'))
--;
UPDATE clusters
   SET wanted_state = CASE WHEN state = 'unreachable' THEN 'active' ELSE state END,
       is_reachable = state <> 'unreachable'
--;
-- The shown word: what people asked for, or that an active cluster does not answer. New columns come last. The watch
-- writes how far it has read, bookmarks too, so a cluster was last heard of then.
CREATE OR REPLACE VIEW ui_clusters AS
    SELECT c.name, c.adapter,
           CASE WHEN c.wanted_state = 'active' AND NOT c.is_reachable THEN 'unreachable' ELSE c.wanted_state END AS state,
           c.weight, c.capabilities, c.version, c.message,
           greatest(c.last_seen_at, (SELECT recorded_at FROM checkpoints WHERE cluster = c.name)) AS last_seen_at,
           c.wanted_state, c.wanted_by, c.wanted_at, c.wanted_reason, c.is_reachable, c.removed_at
      FROM clusters c

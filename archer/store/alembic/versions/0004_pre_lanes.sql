-- One queue for placing, and one for each cluster: what is placed and not known to be created.
CREATE INDEX jobs_to_place ON jobs (priority DESC, id) WHERE state = 'queued'
--;
CREATE INDEX jobs_to_create ON jobs (cluster, priority DESC, id) WHERE state = 'dispatching'
--;
DROP INDEX jobs_to_dispatch
--;
-- Since when the cluster is known to hold nothing of an attempt that was to be created there.
ALTER TABLE attempts ADD COLUMN absent_since timestamptz
--;
-- What the operators have not taken up; few rows, read before each round of placing.
CREATE INDEX attempts_waiting ON attempts (cluster, submitted_at) WHERE application_state = '' AND ended_at IS NULL

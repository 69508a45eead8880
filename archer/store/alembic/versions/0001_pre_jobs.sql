-- The first schema. Statements are separated by lines that hold only "--;".

-- Time as the database sees it. Tests set archer.fake_now in their session and let hours pass at once.
CREATE FUNCTION archer_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('archer.fake_now', true), '')::timestamptz, now())
$$
--;
-- One narrow row per job: what queues, lists and status need. Ids sort by time (UUIDv7).
CREATE TABLE jobs (
    id                  text COLLATE "C" PRIMARY KEY,
    name                text COLLATE "C" NOT NULL,
    type                text NOT NULL,
    state               text NOT NULL DEFAULT 'queued',
    reason              text,
    fault               text,
    tenant              text NOT NULL,
    owner               text NOT NULL,
    queue               text NOT NULL,
    tier                smallint NOT NULL DEFAULT 3,
    arch                text NOT NULL,
    spark_version       text NOT NULL,
    cluster             text,
    attempt             smallint NOT NULL DEFAULT 0,
    version             integer NOT NULL DEFAULT 1,
    priority            smallint NOT NULL DEFAULT 50,
    labels              jsonb NOT NULL DEFAULT '{}',
    correlation_id      text,
    waiting             text,
    run_after           timestamptz NOT NULL,
    claimed_by          uuid,
    claim_epoch         integer NOT NULL DEFAULT 0,
    claim_expires_at    timestamptz,
    cancel_requested_at timestamptz,
    cancel_reason       text,
    deadline_at         timestamptz,
    created_at          timestamptz NOT NULL,
    started_at          timestamptz,
    ended_at            timestamptz,
    CONSTRAINT state_known CHECK (state IN ('queued', 'dispatching', 'submitted', 'running', 'cancelling',
                                            'succeeded', 'failed', 'cancelled')),
    CONSTRAINT final_has_an_end CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
    CONSTRAINT failed_has_a_reason CHECK (state <> 'failed' OR reason IS NOT NULL),
    CONSTRAINT fault_known CHECK (fault IN ('user', 'platform', 'policy')),
    CONSTRAINT placed_has_a_cluster CHECK (state NOT IN ('dispatching', 'submitted', 'running') OR cluster IS NOT NULL),
    CONSTRAINT claim_is_whole CHECK ((claimed_by IS NULL) = (claim_expires_at IS NULL)),
    CONSTRAINT cancel_was_asked CHECK (state <> 'cancelling' OR cancel_requested_at IS NOT NULL)
) WITH (fillfactor = 80)
--;
-- The queue: what a dispatcher may claim, best first.
CREATE INDEX jobs_to_dispatch ON jobs (priority DESC, id) WHERE state IN ('queued', 'dispatching')
--;
CREATE INDEX jobs_to_cancel ON jobs (id) WHERE state = 'cancelling'
--;
-- What runs where; the watcher compares it with each listing.
CREATE INDEX jobs_live_by_cluster ON jobs (cluster, id)
    WHERE state IN ('dispatching', 'submitted', 'running', 'cancelling')
--;
CREATE INDEX jobs_with_deadline ON jobs (deadline_at) WHERE deadline_at IS NOT NULL AND ended_at IS NULL
--;
-- A correlation_id names one piece of work under way; a finished one may come again.
CREATE UNIQUE INDEX jobs_correlated ON jobs (tenant, correlation_id)
    WHERE correlation_id IS NOT NULL AND ended_at IS NULL
--;
-- One index for each filter of the list. The list is ordered by id, so each ends with it.
CREATE INDEX jobs_by_state ON jobs (state, id)
--;
CREATE INDEX jobs_by_tenant ON jobs (tenant, id)
--;
CREATE INDEX jobs_by_queue ON jobs (queue, id)
--;
CREATE INDEX jobs_by_owner ON jobs (owner, id)
--;
CREATE INDEX jobs_by_cluster ON jobs (cluster, id) WHERE cluster IS NOT NULL
--;
CREATE INDEX jobs_by_name ON jobs (name, id)
--;
CREATE INDEX jobs_by_label ON jobs USING gin (labels jsonb_path_ops) WHERE labels <> '{}'
--;
CREATE INDEX jobs_longest_live ON jobs (started_at, id) WHERE started_at IS NOT NULL AND ended_at IS NULL
--;
CREATE INDEX jobs_longest_ended ON jobs ((ended_at - started_at), id)
    WHERE started_at IS NOT NULL AND ended_at IS NOT NULL
--;
-- The request as it came. Written by the statement that inserts the job, so it needs no foreign key to be whole.
CREATE TABLE job_specs (
    job_id      text COLLATE "C" PRIMARY KEY,
    request     text NOT NULL,
    fingerprint bytea NOT NULL
)
--;
ALTER TABLE job_specs ALTER COLUMN request SET STORAGE EXTERNAL  -- compressing costs more than it saves here
--;
CREATE TABLE attempts (
    job_id              text COLLATE "C" NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number              smallint NOT NULL,
    cluster             text NOT NULL,
    namespace           text NOT NULL,
    application         text NOT NULL,
    uid                 text,
    rank                smallint NOT NULL DEFAULT 1,
    application_state   text NOT NULL DEFAULT '',
    spark_app_id        text,
    driver_pod          text,
    placement           jsonb NOT NULL,
    manifest            text,
    spec_sha256         text,
    exit_code           integer,
    reason              text,
    fault               text,
    message             text,
    evidence            jsonb,
    executors_running   integer NOT NULL DEFAULT 0,
    executors_failed    integer NOT NULL DEFAULT 0,
    executors_completed integer NOT NULL DEFAULT 0,
    placed_at           timestamptz NOT NULL,
    submitted_at        timestamptz,
    scheduled_at        timestamptz,
    started_at          timestamptz,
    ended_at            timestamptz,
    PRIMARY KEY (job_id, number),
    UNIQUE (application)
) WITH (fillfactor = 80)
--;
-- People paste the id that Spark shows.
CREATE INDEX attempts_by_spark_app ON attempts (spark_app_id) WHERE spark_app_id IS NOT NULL
--;
-- Append-only: every change of a job, written in the statement that changes the row.
CREATE TABLE job_events (
    job_id  text COLLATE "C" NOT NULL,
    seq     bigint GENERATED ALWAYS AS IDENTITY,
    at      timestamptz NOT NULL,
    attempt smallint NOT NULL,
    kind    text NOT NULL,
    state   text NOT NULL,
    message text NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, seq)
)
--;
CREATE TABLE clusters (
    name         text PRIMARY KEY,
    adapter      text NOT NULL,
    state        text NOT NULL DEFAULT 'active',
    weight       integer NOT NULL DEFAULT 1,
    capabilities jsonb NOT NULL DEFAULT '{}',
    version      text,
    message      text NOT NULL DEFAULT '',
    last_seen_at timestamptz,
    CONSTRAINT cluster_state_known CHECK (state IN ('active', 'cordoned', 'drained', 'unreachable')),
    CONSTRAINT weight_is_not_negative CHECK (weight >= 0)
)
--;
CREATE TABLE queues (
    path        text PRIMARY KEY,
    tier        smallint NOT NULL DEFAULT 3,
    description text NOT NULL DEFAULT ''
)
--;
CREATE TABLE idempotency_keys (
    tenant      text NOT NULL,
    key         text NOT NULL,
    job_id      text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant, key)
)
--;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys USING brin (created_at)
--;
-- How far each cluster has been read; written in the transaction that writes what was read.
CREATE TABLE checkpoints (
    cluster          text PRIMARY KEY,
    resource_version text NOT NULL,
    recorded_at      timestamptz NOT NULL
)
--;
-- Who asked for what, and what was decided. Archer's role can only insert.
CREATE TABLE audit (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    principal   text NOT NULL,
    action      text NOT NULL,
    object      text NOT NULL,
    tenant      text NOT NULL,
    decision    text NOT NULL,
    reason      text NOT NULL DEFAULT '',
    fingerprint bytea
)
--;
-- What Moka UI may see: no request, no manifest before masking, no audit.
CREATE VIEW ui_jobs AS
    SELECT id, name, type, state, reason, fault, tenant, owner, queue, tier, arch, spark_version, cluster,
           attempt, version, priority, labels, correlation_id, waiting, cancel_requested_at, deadline_at, run_after,
           created_at, started_at, ended_at
      FROM jobs
--;
-- The manifest was masked before it was stored.
CREATE VIEW ui_attempts AS
    SELECT job_id, number, cluster, namespace, application, application_state, spark_app_id, driver_pod, placement,
           manifest, exit_code, reason, fault, message, evidence, executors_running, executors_failed,
           executors_completed, placed_at, submitted_at, scheduled_at, started_at, ended_at
      FROM attempts
--;
CREATE VIEW ui_events AS SELECT job_id, seq, at, attempt, kind, state, message FROM job_events
--;
CREATE VIEW ui_clusters AS
    SELECT name, adapter, state, weight, capabilities, version, message, last_seen_at FROM clusters
--;
CREATE VIEW ui_queues AS SELECT path, tier, description FROM queues
--;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'archer_rw') THEN CREATE ROLE archer_rw NOLOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'moka_ui_ro') THEN CREATE ROLE moka_ui_ro NOLOGIN; END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server migrates too
END $$
--;
GRANT SELECT, INSERT, UPDATE, DELETE
   ON jobs, job_specs, attempts, job_events, clusters, queues, idempotency_keys, checkpoints TO archer_rw
--;
GRANT INSERT ON audit TO archer_rw
--;
GRANT SELECT ON ui_jobs, ui_attempts, ui_events, ui_clusters, ui_queues TO moka_ui_ro

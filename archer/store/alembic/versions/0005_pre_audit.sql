-- How the caller proved who it is, from where, in which request; and how many calls alike the row stands for.
ALTER TABLE audit
    ADD COLUMN method     text NOT NULL DEFAULT '',
    ADD COLUMN ip         text NOT NULL DEFAULT '',
    ADD COLUMN request_id text NOT NULL DEFAULT '',
    ADD COLUMN queue      text NOT NULL DEFAULT '',
    ADD COLUMN times      integer NOT NULL DEFAULT 1
--;
CREATE INDEX audit_by_age ON audit USING brin (at) WITH (autosummarize = on)
--;
-- Archer's role may add rows and nothing else. Old ones go by this function alone: it runs as the migrator, reads the
-- clock itself (archer_now can be set by whoever has a session), and refuses to remove what is younger than 400 days.
CREATE FUNCTION audit_expire(retain_days integer, max_rows integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    removed bigint;
BEGIN
    IF retain_days IS NULL OR retain_days < 400 THEN
        RAISE EXCEPTION 'the audit is kept for 400 days at least' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM public.audit
     WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.audit
                              WHERE at < now() - retain_days * interval '1 day' LIMIT max_rows));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$
--;
REVOKE ALL ON FUNCTION audit_expire(integer, integer) FROM PUBLIC
--;
GRANT EXECUTE ON FUNCTION audit_expire(integer, integer) TO archer_rw

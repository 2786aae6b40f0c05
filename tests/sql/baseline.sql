-- The baseline of the load scenarios: what a plain client would do to keep a referral, two inserts in
-- one transaction. The tool passes a text of the dossier's size and one of the size of everything else
-- that a submission writes.
BEGIN;
INSERT INTO baseline_dossier (id, content) VALUES (gen_random_uuid(), :dossier);
INSERT INTO baseline_event (id, content) VALUES (gen_random_uuid(), :event);
COMMIT;

-- Set while the driver's image cannot be pulled: what the kubelet says, and when Archer ends the attempt.
ALTER TABLE attempts ADD COLUMN image_failure text, ADD COLUMN image_deadline_at timestamptz
--;
CREATE INDEX attempts_without_image ON attempts (image_deadline_at)
    WHERE image_deadline_at IS NOT NULL AND ended_at IS NULL

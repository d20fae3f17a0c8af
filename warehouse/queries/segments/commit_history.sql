-- inputs: moved_customers, membership_come; shared.recomputed, shared.movements_come, shared.profiles_come
-- reason: the history that was prepared, and is in the published file already, becomes the stored one
DELETE FROM segments.membership WHERE customer_id IN (SELECT customer_id FROM moved_customers);
INSERT INTO segments.membership BY NAME FROM membership_come;
DELETE FROM segments.movements WHERE version_id IN (SELECT version_id FROM shared.recomputed);
INSERT INTO segments.movements BY NAME FROM shared.movements_come;
DELETE FROM segments.profiles WHERE version_id IN (SELECT version_id FROM shared.profiles_come);
INSERT INTO segments.profiles BY NAME FROM shared.profiles_come;

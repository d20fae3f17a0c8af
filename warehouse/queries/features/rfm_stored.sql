-- grain: segmented customer
-- reason: the stored activity is of this very date
CREATE OR REPLACE TEMP TABLE rfm AS FROM features.rfm_from('features.customer_activity', $as_of);

-- grain: segmented customer
-- inputs: activity of the date
CREATE OR REPLACE TEMP TABLE rfm AS FROM features.rfm_from('activity', $as_of, $window_days);

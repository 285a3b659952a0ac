drop function heddle_submit(text, jsonb, jsonb);
drop function heddle_type_fault(text, text);
drop function heddle_options_fault(jsonb, double precision);
drop function heddle_option_fault(text, jsonb);
drop function heddle_instant_fault(text);
drop function heddle_params_fault(jsonb);
drop function heddle_payload_key(jsonb);

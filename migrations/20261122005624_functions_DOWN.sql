drop function heddle_uuid_v7();

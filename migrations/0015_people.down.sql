delete from jobs where kind = 'erase_person'

delete from lanes where kind = 'erase_person'

drop table erased_contents

drop table erasures

drop table broadcast_audience

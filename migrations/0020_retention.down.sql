drop index emails_content

drop table kept_contents

drop table walks

alter table emails drop column content_removed_at

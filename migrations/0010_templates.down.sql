alter table emails drop column merge

drop table template_versions

drop table templates

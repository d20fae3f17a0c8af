"""The report from top to bottom, a module for each part: published tables in, `page.Section`s out."""

"""The loop from page to cursor; who starts one; trying again, by itself and by hand."""
